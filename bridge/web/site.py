"""Puts the web face together: one application with the API, the page, and what machines ask."""

from __future__ import annotations

from aiohttp import web

from bridge.web.api.account import AccountApi
from bridge.web.api.admin import AdminApi
from bridge.web.api.browse import Browse
from bridge.web.api.direct import DirectApi
from bridge.web.api.document import Document
from bridge.web.api.entrance import Entrance
from bridge.web.api.invites import InvitesApi
from bridge.web.api.log import EventsApi
from bridge.web.api.markers import MarkersApi
from bridge.web.api.members import MembersApi
from bridge.web.api.openapi import document
from bridge.web.api.operations import Offers
from bridge.web.api.rooms import RoomsApi
from bridge.web.api.routes import add_operations
from bridge.web.api.search import SearchApi
from bridge.web.api.server import ServerApi
from bridge.web.api.sessions import SessionsApi
from bridge.web.api.signup import SignUpApi
from bridge.web.api.sso import SsoApi
from bridge.web.api.typing import TypingApi
from bridge.web.avatars import Avatars
from bridge.web.bodies import BODY_BYTES
from bridge.web.built import Assets, load
from bridge.web.door import Door
from bridge.web.failures import answering
from bridge.web.guard import add_headers, same_origin_only
from bridge.web.health import Health
from bridge.web.lines import Lines
from bridge.web.parts import WebParts
from bridge.web.patience import patient
from bridge.web.places import Places
from bridge.web.shell import Shell
from bridge.web.socket.feed import Feeds
from bridge.web.socket.sockets import Sockets
from bridge.web.sso.visits import Visits


def make_app(parts: WebParts) -> web.Application:
    """Return the application; it owns no task before it is started, and ends its sockets when it is shut down.

    Raises `NotBuilt` where the page's files are missing.
    """
    door = Door(parts)
    places = Places(parts.db, parts.hub)
    lines = Lines(parts.db, parts.hub, places)
    avatars = Avatars(parts.db, parts.avatars)
    built = load()
    shell = Shell(built, door)
    feeds = Feeds(parts.hub, lines)
    sockets = Sockets(parts, door, places, lines, feeds, page=built.version)
    visits = Visits(parts.db, parts.accounts, parts.sign_in, parts.url)
    app = web.Application(
        middlewares=[answering(shell.failure), same_origin_only(parts.url), patient(parts.db)],
        client_max_size=BODY_BYTES,
    )
    entrance = Entrance(parts, door)
    offers: list[Offers] = [
        ServerApi(parts, visits),
        entrance,
        SignUpApi(parts, door, entrance),
        AccountApi(parts, door, avatars, entrance),
        SessionsApi(parts),
        AdminApi(parts),
        RoomsApi(parts, door, places, avatars),
        MembersApi(parts, places, avatars),
        DirectApi(parts, places, avatars),
        InvitesApi(parts, places),
        EventsApi(parts, places, lines),
        SearchApi(parts, lines),
        MarkersApi(parts, places),
        TypingApi(places, feeds),
        SsoApi(parts, door, visits, entrance),
    ]
    operations = [operation for offer in offers for operation in offer.operations()]
    add_operations(app.router, door, operations)
    described = document(operations, url=parts.url)
    for part in (
        Document(described),
        Browse(operations, described),
        sockets,
        Health(parts),
        Assets(built),
        shell,
    ):
        part.add_to(app.router)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(sockets.close)

    async def close_visits(_app: web.Application) -> None:
        await visits.close()

    app.on_cleanup.append(close_visits)
    return app
