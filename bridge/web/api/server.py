"""The API's first answer: what this server is called, and how one comes in."""

from __future__ import annotations

from typing import Literal

import msgspec

from bridge import __version__
from bridge.core.decide_lines import TEXT_BYTES
from bridge.core.decide_settings import NAME_CHARS, TOPIC_CHARS
from bridge.core.native import PERSON_NAME_CHARS
from bridge.web.accounts.passwords import LEAST_CHARS
from bridge.web.accounts.preferences import MOST_BYTES
from bridge.web.api.operations import Call, Operation
from bridge.web.avatars import AVATAR_BYTES
from bridge.web.languages import CODES
from bridge.web.parts import WebParts
from bridge.web.sso.visits import Visits


class ProviderShape(msgspec.Struct):
    """Somewhere else where people have accounts; `id` is its place in `/sso/{provider}`."""

    id: str
    title: str


class MatrixSignInShape(msgspec.Struct):
    """Whether a Matrix account opens an account here: with its password, or on the homeserver's own pages."""

    password: bool = False
    sso: bool = False


class LimitsShape(msgspec.Struct):
    """What this server takes: sizes in bytes, lengths in characters; `password_chars` is the least."""

    text_bytes: int = TEXT_BYTES
    name_chars: int = NAME_CHARS
    topic_chars: int = TOPIC_CHARS
    avatar_bytes: int = AVATAR_BYTES
    display_name_chars: int = PERSON_NAME_CHARS
    password_chars: int = LEAST_CHARS
    settings_bytes: int = MOST_BYTES


class ServerShape(msgspec.Struct):
    """This server; `server_name` is the homeserver's, which is behind the colon in Matrix names."""

    name: str
    server_name: str
    version: str
    signup: Literal["open", "invite", "closed"]
    guests: bool
    oidc: list[ProviderShape]
    matrix: MatrixSignInShape
    languages: list[str]
    limits: LimitsShape


class ServerApi:
    """The handler of /server."""

    def __init__(self, parts: WebParts, visits: Visits) -> None:
        self._visits = visits
        options = parts.accounts.options
        self._shape = ServerShape(
            name=parts.name,
            server_name=parts.server_name,
            version=__version__,
            signup=options.signup,
            guests=options.guests,
            oidc=[ProviderShape(each.id, each.title) for each in visits.oidc],
            matrix=MatrixSignInShape(),
            languages=list(CODES),
            limits=LimitsShape(),
        )

    def operations(self) -> list[Operation]:
        """Return what it does."""
        return [
            Operation(
                "GET", "/server", "showServer", "What this server is, and how one comes in.", "server", self.show,
                answer=ServerShape, door="open",
            )
        ]

    async def show(self, _call: Call) -> ServerShape:
        """Answer what this server is, and which ways in there are at present."""
        if self._visits.matrix is None:
            return self._shape
        password, sso = await self._visits.matrix.offered()
        return msgspec.structs.replace(self._shape, matrix=MatrixSignInShape(password, sso))
