"""Write the files that follow from the models: config/*.yaml, registration.yaml and docs/settings.md.

`python -m bridge.settings.document` writes them; with `--check` it writes nothing and ends with 1 if one is stale.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bridge.networks.matrix.registration import make
from bridge.settings.explain import lists, sections
from bridge.settings.loading import variables
from bridge.settings.models import Appservice, Settings, Web
from bridge.settings.template import Answers, rialto_yaml, scalar

ROOT = Path(__file__).parents[2]
_WIDTH = 110


def files() -> dict[str, str]:
    """Return every generated file: its path from the project's root, and its text."""
    return {
        "config/rialto.yaml": rialto_yaml(_sample()),
        "config/full.yaml": full_yaml(),
        "registration.yaml": sample_registration(),
        "docs/settings.md": markdown(),
    }


def _sample() -> Answers:
    ours, web = Appservice(), Web()
    return Answers(
        server_name="example.org",
        homeserver_url="http://127.0.0.1:8008",
        appservice_url=ours.url,
        appservice_listen=ours.listen,
        web_url=web.url,
        web_listen=web.listen,
        database="sqlite:///rialto.db",
    )


def sample_registration() -> str:
    """Return a registration whose tokens are placeholders, which Rialto refuses as too short."""
    sample = make(
        url=Appservice().url, server_name="example.org", prefix="rialto", as_token="SECRET-1", hs_token="SECRET-2"
    )
    return (
        "# A sample to read, not to use: `rialto init` writes the real one, with tokens, to a folder of yours.\n"
        + sample.to_yaml()
    )


def full_yaml() -> str:
    """Return a rialto.yaml with every key, its meaning and its default."""
    lines = ["# Every setting of Rialto with its default. Made by `python -m bridge.settings.document`: do not edit."]
    inner = sections(Settings)
    for key, field in Settings.model_fields.items():
        lines.append("")
        if key in inner:
            lines += [f"# {inner[key].__doc__}", f"{key}:"]
            for name, setting in inner[key].model_fields.items():
                lines += [f"  {line}" for line in _yaml_lines(name, setting)]
                if entry := lists(inner[key]).get(name):
                    lines += [f"  # {_plain(entry)}", *(f"  {line}" for line in _entry_lines(entry))]
        else:
            lines += _yaml_lines(key, field)
    return "\n".join(lines) + "\n"


def _yaml_lines(name: str, field: FieldInfo) -> Iterator[str]:
    for line in textwrap.wrap(f"{field.description}{_choices(field)}".replace("`", "'"), _WIDTH):
        yield f"# {line}"
    value = _default(field)
    yield f"# {name}: {_example(field)}" if value == "" else f"{name}: {value}"


def _entry_lines(model: type[BaseModel]) -> Iterator[str]:
    """Yield one entry of a list of sections as a comment: every key with its meaning, and an example or its default."""
    mark = "-"
    for name, field in model.model_fields.items():
        for line in textwrap.wrap(f"{field.description}{_choices(field)}".replace("`", "'"), _WIDTH - 6):
            yield f"#   # {line}"
        value = _default(field)
        yield f"# {mark} {name}: {value}" if value else f"#   # {name}: {_example(field)}"
        mark = " "


def _example(field: FieldInfo) -> str:
    """Return what a key that is best left out could be set to, as YAML."""
    example = (field.examples or [""])[0]
    return str(example).lower() if isinstance(example, bool) else scalar(str(example))


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return f" One of: {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}."


def _default(field: FieldInfo) -> str:
    """Return the default, or for a key without one its example, as YAML; nothing for a key that is best left out."""
    value: Any = field.examples[0] if field.default is PydanticUndefined and field.examples else field.default
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(scalar(str(item)) for item in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value) if isinstance(value, int) else scalar(str(value))


def markdown() -> str:
    """Return the page with a table of the settings for each section."""
    names = {path: name for name, path in variables().items()}
    lines = textwrap.dedent("""\
        # Settings

        Rialto reads one YAML file: `--config PATH`, else `RIALTO_CONFIG`, else `./local/rialto.yaml`. Paths in it are
        taken from the file's own folder. Every setting can be given by an environment variable too, which then counts
        in place of the file's; a list is written there as in the file: `[a, b]`. A secret can be kept in a file of
        its own, named by the key with `_file` after it. `rialto init` writes a first file, `rialto check` tells what
        is wrong with one.

        This page is made by `python -m bridge.settings.document`.
        """).splitlines()
    inner = sections(Settings)
    plain = {key: field for key, field in Settings.model_fields.items() if key not in inner}
    for title, text, model in [(key, kind.__doc__, kind) for key, kind in inner.items()]:
        lines += ["", f"## {title}", "", str(text), "", *_table(model.model_fields, (title,), names)]
        for key, entry in lists(model).items():
            lines += ["", f"### Each of {title}.{key}", "", str(entry.__doc__), "", *_entry_table(entry)]
    lines += [
        "",
        "## database",
        "",
        "These stand at the top of the file, in no section.",
        "",
        *_table(plain, (), names),
    ]
    return "\n".join(lines) + "\n"


def _plain(model: type[BaseModel]) -> str:
    return str(model.__doc__).replace("`", "'")


def _entry_table(model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of the keys that one entry of a list has; no variable gives them one by one."""
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for key, field in model.model_fields.items():
        yield f"| `{key}` | {_shown_default(field)} | {field.description}{_choices(field)} |"


def _shown_default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    return f"`{_default(field)}`" if _default(field) else "none"


def _table(fields: dict[str, FieldInfo], above: tuple[str, ...], names: dict[Any, str]) -> Iterator[str]:
    yield "| key | default | environment | meaning |"
    yield "|---|---|---|---|"
    for key, field in fields.items():
        at = (*above, key)
        default = _shown_default(field)
        yield f"| `{'.'.join(at)}` | {default} | `{names[at]}` | {field.description}{_choices(field)} |"


def stale(root: Path) -> list[str]:
    """Return the generated files under `root` that differ from what the models say."""
    return [name for name, text in files().items() if not _same(root / name, text)]


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with `--check` only name the stale ones; return the exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m bridge.settings.document [--check]", file=sys.stderr)
        return 2
    if not (ROOT / "pyproject.toml").is_file():
        print(f"{ROOT} is not Rialto's source: run this from a checkout", file=sys.stderr)
        return 2
    old = stale(ROOT)
    if arguments:
        for name in old:
            print(f"{name} is stale: run `python -m bridge.settings.document`", file=sys.stderr)
        return 1 if old else 0
    for name in old:
        (ROOT / name).write_text(files()[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
