"""Every setting with its type, default and description; the documentation is generated from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from bridge.settings import values


def _from_folder(value: Path, info: ValidationInfo) -> Path:
    """Take a relative path from the configuration file's folder, where that is known."""
    folder = (info.context or {}).get("folder")
    try:
        return value if folder is None else Path(folder, value.expanduser())
    except RuntimeError as error:
        raise ValueError(f"'{value}' begins with a home that is not known") from error


def _database(value: str, info: ValidationInfo) -> str:
    return values.database(value, (info.context or {}).get("folder"))


WebAddress = Annotated[str, AfterValidator(values.web_address)]
RootAddress = Annotated[str, AfterValidator(values.root_address)]
ServerName = Annotated[str, AfterValidator(values.server_name)]
Prefix = Annotated[str, AfterValidator(values.prefix)]
MatrixUser = Annotated[str, AfterValidator(values.matrix_user)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
ListenAddress = Annotated[values.Listen, BeforeValidator(values.Listen.parse)]
Issuer = Annotated[str, AfterValidator(values.issuer)]
ProviderId = Annotated[str, AfterValidator(values.provider_id)]
Scope = Annotated[str, AfterValidator(values.scope)]
Filled = Annotated[str, Field(min_length=1)]
FilePath = Annotated[Path, AfterValidator(_from_folder)]
Count = Annotated[int, Field(strict=True, ge=1)]
Title = Annotated[str, Field(strict=True, min_length=1, max_length=64)]
Rate = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class _Section(BaseModel):
    """What all sections keep to: no unknown keys, no changes after reading, no values in tracebacks."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


class Homeserver(_Section):
    """The Matrix homeserver that Rialto stands beside."""

    url: WebAddress = Field(
        description="Where Rialto reaches the homeserver's client API.", examples=["http://127.0.0.1:8008"]
    )
    server_name: ServerName = Field(
        description="The homeserver's name: the part after the colon in `@you:example.org`. It can never be changed.",
        examples=["example.org"],
    )


class Appservice(_Section):
    """What the homeserver calls, and under which names Rialto speaks there."""

    url: WebAddress = Field(
        default="http://127.0.0.1:29350",
        description="How the homeserver reaches Rialto; the registration says the same.",
    )
    listen: ListenAddress = Field(
        default=values.Listen("127.0.0.1", 29350),
        description="The address and port on which the homeserver's calls are awaited.",
    )
    registration: FilePath = Field(
        default=Path("registration.yaml"),
        description="The registration file, which holds both tokens; `rialto init` writes it.",
    )
    prefix: Prefix = Field(
        default="rialto",
        description="Begins Rialto's names on the homeserver: the bot is `@<prefix>`, people are `@<prefix>_<id>`, "
        "rooms are `#<prefix>_<name>`. Do not change it once people have joined.",
    )


class Web(_Section):
    """Rialto's own web page."""

    url: RootAddress = Field(
        default="http://127.0.0.1:8090",
        description="The address that people type into their browser; links are made with it.",
    )
    listen: ListenAddress = Field(
        default=values.Listen("127.0.0.1", 8090), description="The address and port on which the web page is served."
    )
    name: Title = Field(default="Rialto", description="What this server is called on its page.")


class Log(_Section):
    """What Rialto writes about its work, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is written."
    )
    format: Literal["text", "json"] = Field(
        default="text", description="`text` is for eyes, `json` (one object a line) for collectors."
    )


class Rooms(_Section):
    """Which rooms Matrix sees, and who is seen in them."""

    mirror: Literal["public", "none"] = Field(
        default="public", description="Which new rooms get a Matrix room: `public` rooms, or `none`."
    )
    members: Literal["full", "on_speak"] = Field(
        default="full",
        description="When people join the Matrix room: with their web room (`full`), or when they first speak.",
    )
    moderators: list[MatrixUser] = Field(
        default=[],
        description="Matrix users (`@you:example.org`) who may change name and topic and remove lines in every "
        "mirrored room.",
    )


class Accounts(_Section):
    """Who may have an account here, and how long sessions and guests last."""

    signup: Literal["open", "invite", "closed"] = Field(
        default="invite",
        description="Who may make an account of their own: everybody (`open`), who has an invite to the server or to "
        "a room (`invite`), or nobody (`closed`; administrators and `rialto user add` make them).",
    )
    guests: Annotated[bool, Field(strict=True)] = Field(
        default=True, description="Whether rooms may invite guests, who have no account and no password."
    )
    guest_days: Count = Field(
        default=7, description="A guest who does not come back for so many days is gone: the account is closed."
    )
    session_days: Count = Field(
        default=60, description="Who does not come back for so many days has to sign in again."
    )
    newcomer_hours: Rate = Field(
        default=24,
        description="How long who made an account of their own is new: so long they join Matrix rooms only when they "
        "first speak, whatever `rooms.members` says; 0 is not at all.",
    )


class Limits(_Section):
    """How much one account, and Rialto as a whole, may do."""

    messages_per_second: Rate = Field(
        default=5, description="What one account may send in the long run; 0 is no limit."
    )
    burst: Count = Field(
        default=20, description="How many messages one account may send at once before that limit counts."
    )
    changes_per_minute: Rate = Field(
        default=60,
        description="How often one account may join, leave, make or describe rooms and change its profile; "
        "0 is no limit.",
    )
    logins_per_minute: Count = Field(default=10, description="Tries to sign in from one address.")
    signups_per_hour: Rate = Field(
        default=60,
        description="New accounts that people make themselves, from all addresses together: no more of their ghosts "
        "can come to the homeserver; 0 is no limit.",
    )
    guests_per_hour: Rate = Field(
        default=600, description="New guests, from all addresses together (they have no ghosts); 0 is no limit."
    )
    signups_per_address: Rate = Field(
        default=20, description="New accounts and guests from one address in an hour; 0 is no limit."
    )
    sends_per_second: Rate = Field(
        default=0, description="What Rialto sends to the homeserver; 0 leaves it to the homeserver's own limits."
    )
    joins_per_second: Rate = Field(default=20, description="How fast people join Matrix rooms; 0 is no limit.")
    # A homeserver sends up to 100 events of 64 KiB at once, and sends them again for ever when they are refused.
    transaction_bytes: Annotated[int, Field(strict=True, ge=8388608)] = Field(
        default=16777216,
        description="The largest transaction that is taken from the homeserver, in bytes; at least 8 MiB.",
    )


class OidcProvider(_Section):
    """An OpenID Connect provider. Its callback, to be allowed there, is `<web.url>/api/v1/sso/<id>/callback`."""

    id: ProviderId = Field(
        description="Names the provider in addresses; do not change it once it is registered there.",
        examples=["keycloak"],
    )
    title: Filled = Field(description="What people see on the button.", examples=["Example SSO"])
    issuer: Issuer = Field(
        description="The provider's issuer: the address before `/.well-known/openid-configuration`. People are known "
        "by it for ever: another issuer means other people.",
        examples=["https://id.example.org/realms/main"],
    )
    client_id: Filled = Field(description="The name under which Rialto is registered there.", examples=["rialto"])
    client_secret: str = Field(
        default="", repr=False, description="The secret that belongs to it; empty for a public client."
    )
    client_secret_file: FilePath | None = Field(
        default=None, description="In place of `client_secret`: a file that holds it.", examples=["oidc-secret"]
    )
    scopes: list[Scope] = Field(
        default=["openid", "profile"], description="What is asked for; `openid` must be among it."
    )
    signup: bool | None = Field(
        default=None,
        description="Whether a first sign-in makes an account here. Left out: as `accounts.signup` says.",
        examples=[True],
    )

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: list[str]) -> list[str]:
        if "openid" not in value:
            raise ValueError("must hold openid: without it the provider does not say who somebody is")
        return value


class SignIn(_Section):
    """How people sign in who have an account elsewhere."""

    oidc: list[OidcProvider] = Field(default=[], description="OpenID Connect providers, in the order of their buttons.")
    matrix: Literal["off", "password", "sso", "both"] = Field(
        default="off",
        description="Whether accounts of the homeserver may sign in: with their Matrix `password` here, on the "
        "homeserver's own pages (`sso`), or either way.",
    )
    matrix_signup: bool | None = Field(
        default=None,
        description="Whether a first sign-in with a Matrix account makes an account here. Left out: as "
        "`accounts.signup` says.",
        examples=[True],
    )

    @field_validator("oidc")
    @classmethod
    def _distinct(cls, value: list[OidcProvider]) -> list[OidcProvider]:
        for key in ("id", "issuer"):
            seen: set[str] = set()
            for provider in value:
                mark = str(getattr(provider, key)).rstrip("/")
                if mark in seen:
                    raise ValueError(f"names the {key} '{mark}' twice: each provider stands there once")
                seen.add(mark)
        return value


class Settings(_Section):
    """All settings, checked; paths are absolute and URLs are without a last slash."""

    homeserver: Homeserver
    appservice: Appservice = Field(default_factory=Appservice)
    web: Web = Field(default_factory=Web)
    database: DatabaseUrl = Field(
        repr=False,
        description="Where everything is kept: `sqlite:///file` or `postgresql://user:password@host/name`.",
        examples=["sqlite:///rialto.db"],
    )
    database_file: FilePath | None = Field(
        default=None,
        description="In place of `database`: a file that holds the URL, to keep a password out of this one.",
        examples=["database-url"],
    )
    log: Log = Field(default_factory=Log)
    rooms: Rooms = Field(default_factory=Rooms)
    accounts: Accounts = Field(default_factory=Accounts)
    limits: Limits = Field(default_factory=Limits)
    sign_in: SignIn = Field(default_factory=SignIn)

    _path: Path = PrivateAttr(Path("rialto.yaml"))

    def model_post_init(self, context: Any, /) -> None:
        """Keep the file's own path, which `load` gives as context."""
        if context is not None and "path" in context:
            self._path = context["path"]

    @property
    def path(self) -> Path:
        """The absolute path of the file that was read."""
        return self._path

    @property
    def database_url(self) -> str:
        """The database's URL without a driver (`sqlite:////…` or `postgresql://…`); it may hold a password."""
        return self.database
