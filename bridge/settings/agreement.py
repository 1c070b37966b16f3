"""Whether the settings, the registration and the machine fit each other, as far as can be told without a network."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from bridge.networks.matrix.registration import (
    DEVICES_KEY,
    UNSTABLE_EPHEMERAL_KEY,
    BadFile,
    Document,
    KeyPath,
    Namespace,
    Problem,
    Registration,
    parse,
    read_yaml,
)
from bridge.settings.models import Settings

_MEND = "`rialto init` mends it and keeps the tokens"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def registration_problems(settings: Settings) -> list[Problem]:
    """Return all that is wrong with the registration file, by itself and beside the settings."""
    path = settings.appservice.registration
    try:
        document = read_yaml(path)
        return list(disagreements(settings, parse(document), document))
    except BadFile as error:
        if path.exists():
            return list(error.problems)
        return [Problem(str(path), None, "", "there is no such file: `rialto init` writes it")]


def disagreements(settings: Settings, registration: Registration, document: Document) -> Iterator[Problem]:
    """Yield each line of the registration with which Rialto would not work, or not keep its promises."""
    ours = settings.appservice
    if registration.url.rstrip("/") != ours.url:
        yield document.problem(("url",), f"is '{registration.url}', but appservice.url is '{ours.url}': {_MEND}")
    if registration.sender_localpart != ours.prefix:
        found = registration.sender_localpart
        yield document.problem(
            ("sender_localpart",), f"is '{found}', but appservice.prefix is '{ours.prefix}': {_MEND}"
        )
    server = settings.homeserver.server_name
    yield from _namespace(document, "users", registration.users, f"@{ours.prefix}_", server)
    yield from _namespace(document, "aliases", registration.aliases, f"#{ours.prefix}_", server)
    if registration.rate_limited:
        yield document.problem(("rate_limited",), f"must be false: a bridge speaks for many people; {_MEND}")
    if not registration.receive_ephemeral:
        yield document.problem(("receive_ephemeral",), f"must be true, for typing and read receipts; {_MEND}")
    if registration.unstable_ephemeral:
        key = (UNSTABLE_EPHEMERAL_KEY,)
        yield document.problem(key, "remove it: beside receive_ephemeral all that it brings would come twice")
    if not registration.manages_devices:
        text = f"must be true, so that nothing is said twice after a homeserver's restart; {_MEND}"
        yield document.problem((DEVICES_KEY,), text)


def _namespace(
    document: Document, kind: str, spaces: tuple[Namespace, ...], start: str, server: str
) -> Iterator[Problem]:
    key: KeyPath = ("namespaces", kind)
    ours, foreign = f"{start}p0:{server}", f"{start[0]}someone.else:{server}"
    claiming = [space for space in spaces if space.claims(ours)]
    if not claiming:
        yield document.problem(key, f"no pattern fits {start}…:{server}: {_MEND}")
    elif not any(space.exclusive for space in claiming):
        yield document.problem(
            key, f"must be exclusive, or other people may take names that begin with {start}: {_MEND}"
        )
    for index, space in enumerate(spaces):
        if space.claims(foreign):
            yield document.problem((*key, index), f"claims other people's names too, such as {foreign}: {_MEND}")


def machine_problems(settings: Settings) -> Iterator[Problem]:
    """Yield what this machine cannot give: a database that can be kept, two free choices of port."""
    document = read_yaml(settings.path)
    url = make_url(settings.database_url)
    given = "database_file" if settings.database_file is not None else "database"
    if url.drivername == "sqlite" and url.database and (text := _unwritable(Path(url.database))):
        yield document.problem((given,), text)
    ours, web = settings.appservice.listen, settings.web.listen
    if ours.collides(web):
        yield document.problem(("web", "listen"), f"{web} is taken by appservice.listen {ours}: choose another port")


def _unwritable(file: Path) -> str:
    folder = file.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist: make it"
    if file.is_dir():
        return f"{file} is a folder: name a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} cannot be written: SQLite keeps files beside its database"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f"{file} cannot be read and written by this user"
    return ""


def warnings(settings: Settings) -> Iterator[Problem]:
    """Yield what works and yet is likely not meant: secrets that others may read, a URL and a port that differ."""
    secrets = [settings.path, settings.appservice.registration, settings.database_file]
    secrets += [provider.client_secret_file for provider in settings.sign_in.oidc]
    for path in (path for path in secrets if path is not None and path.exists()):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o177:
            yield Problem(
                str(path), None, "", f"others may read it (mode {mode:04o}): chmod 600 {shlex.quote(str(path))}"
            )
    document = read_yaml(settings.path)
    for name, section in (("appservice", settings.appservice), ("web", settings.web)):
        parts = urlsplit(section.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        here = parts.hostname in _LOOPBACK and parts.scheme == "http"
        if here and port != section.listen.port:
            text = f"{section.url} leads to port {port}, but {name}.listen is {section.listen}"
            yield document.problem((name, "url"), text)
