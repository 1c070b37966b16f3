"""The parts of one Rialto, made from its settings and not started yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.app.database import up_to_date
from bridge.core.hub import Hub
from bridge.core.native import Native
from bridge.core.people import People
from bridge.networks.matrix.network import MatrixNetwork, MatrixOptions, make_marker
from bridge.networks.matrix.registration import Registration
from bridge.networks.matrix.registration import load as load_registration
from bridge.settings import Settings
from bridge.store.database import Database, open_database
from bridge.web.accounts import AccountOptions, Accounts


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server runs, and what commands work on when no server does."""

    settings: Settings
    registration: Registration
    db: Database
    people: People
    hub: Hub
    native: Native
    accounts: Accounts
    matrix: MatrixNetwork


@asynccontextmanager
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    """Bring the database up to date, open it and make the parts; close the database at the end.

    The caller holds the database's lock. Raises `SchemaTooNew`, `BadDatabase`, or `BadFile` for the registration.
    """
    registration = load_registration(settings.appservice.registration)
    await up_to_date(settings.database_url)
    db = open_database(settings.database_url)
    try:
        people = People(db)
        await people.start()
        hub = Hub(
            db, people, joins_per_second=settings.limits.joins_per_second, seat_all=settings.rooms.members == "full"
        )
        options = MatrixOptions(
            homeserver_url=settings.homeserver.url,
            server_name=settings.homeserver.server_name,
            prefix=settings.appservice.prefix,
            web_url=settings.web.url,
            mirror_public=settings.rooms.mirror == "public",
            moderators=tuple(settings.rooms.moderators),
            sends_per_second=settings.limits.sends_per_second,
        )
        matrix = MatrixNetwork(options, registration, db, hub, people, await make_marker(db))
        hub.add(matrix)
        native = Native(hub)
        yield Parts(
            settings=settings,
            registration=registration,
            db=db,
            people=people,
            hub=hub,
            native=native,
            accounts=Accounts(db, people, native, options=account_options(settings)),
            matrix=matrix,
        )
    finally:
        await db.close()


def account_options(settings: Settings) -> AccountOptions:
    """Return what the operator chose for accounts."""
    chosen, limits = settings.accounts, settings.limits
    return AccountOptions(
        signup=chosen.signup,
        guests=chosen.guests,
        guest_days=chosen.guest_days,
        session_days=chosen.session_days,
        newcomer_hours=chosen.newcomer_hours,
        signups_per_hour=limits.signups_per_hour,
        guests_per_hour=limits.guests_per_hour,
    )
