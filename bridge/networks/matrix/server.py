"""The application service API that a homeserver calls: transactions, queries, ping, third-party look-ups."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.networks.matrix.door import Limits, Refusal, answer, guard, read_body
from bridge.networks.matrix.wire import (
    IDENTIFIER_CHARACTERS,
    Malformed,
    Ping,
    TooDeep,
    Transaction,
    decode_object,
    mend,
    read_transaction,
    without_deep_elements,
)

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()
# How many elements of transactions were left out since the start, by reason.
REJECTED: web.AppKey[Counter[str]] = web.AppKey("rejected", Counter[str])

V1 = "/_matrix/app/v1"
# Third-party look-ups were called here before they were part of the specification; the rest had no prefix at all.
UNSTABLE = "/_matrix/app/unstable"


class Appservice(Protocol):
    """What the server asks of the rest of the bridge. An exception from any of these is answered with 500."""

    async def transaction(self, txn: Transaction) -> None:
        """Keep the transaction; return after commit. After an exception the homeserver sends it again."""
        ...

    async def user_exists(self, user_id: str) -> bool:
        """Whether this is somebody of ours, whom the homeserver may then know as a ghost."""
        ...

    async def alias_exists(self, alias: str) -> bool:
        """Whether the alias leads to a room; may make that room first.

        May be cancelled after `Limits.query_seconds`: work that should go on runs in a task of its own.
        """
        ...

    async def pinged(self, transaction_id: str | None) -> None:
        """The homeserver can reach us; the ID is the one that our own ping gave, if it gave one."""
        ...


def routes(appservice: Appservice, *, hs_token: str, limits: Limits = DEFAULT_LIMITS) -> web.Application:
    """The application to serve with `door.runner`: under /_matrix/app/v1 and the older paths.

    Every answer has a JSON body, and each failure is a Matrix error (see `door.guard`).
    """
    api = _Api(appservice, limits)
    app = web.Application(middlewares=[guard(hs_token)], client_max_size=limits.body_bytes)
    app[REJECTED] = api.rejected
    table: list[tuple[str, str, Handler]] = []
    for prefix in (V1, ""):
        table += [
            ("PUT", f"{prefix}/transactions/{{txn_id:[^/]+}}", api.put_transaction),
            ("GET", f"{prefix}/users/{{user_id:[^/]+}}", api.get_user),
            ("GET", f"{prefix}/rooms/{{alias:[^/]+}}", api.get_alias),
        ]
    table.append(("POST", f"{V1}/ping", api.post_ping))
    for prefix in (V1, UNSTABLE):
        table.append(("GET", f"{prefix}/thirdparty/protocol/{{protocol:[^/]+}}", api.get_protocol))
        for kind in ("user", "location"):
            table.append(("GET", f"{prefix}/thirdparty/{kind}", api.get_third_party))
            table.append(("GET", f"{prefix}/thirdparty/{kind}/{{protocol:[^/]+}}", api.get_third_party))
    for method, path, handler in table:
        app.router.add_route(method, path, handler)
    return app


class _Api:
    """The handlers; the token was checked before any of them runs."""

    def __init__(self, appservice: Appservice, limits: Limits) -> None:
        self._appservice = appservice
        self._limits = limits
        self.rejected: Counter[str] = Counter()

    async def put_transaction(self, request: web.Request) -> web.Response:
        txn_id = request.match_info["txn_id"]
        if "\0" in txn_id:
            raise Refusal(400, "M_INVALID_PARAM", "The transaction ID contains a NUL character.")
        txn = await _parse(txn_id, await read_body(request, self._limits))
        if txn.rejected:
            reasons = Counter(element.reason for element in txn.rejected)
            self.rejected.update(reasons)
            # The elements themselves are people's messages and stay out of the log.
            log.warning("transaction %r: unusable elements left out: %s", txn_id, dict(reasons))
        await self._appservice.transaction(txn)
        return answer({})

    async def get_user(self, request: web.Request) -> web.Response:
        user_id = request.match_info["user_id"]
        found = _plausible(user_id, "@") and await self._in_time(self._appservice.user_exists(user_id), user_id)
        if not found:
            raise Refusal(404, "M_NOT_FOUND", "There is no such user here.")
        return answer({})

    async def get_alias(self, request: web.Request) -> web.Response:
        alias = request.match_info["alias"]
        found = _plausible(alias, "#") and await self._in_time(self._appservice.alias_exists(alias), alias)
        if not found:
            raise Refusal(404, "M_NOT_FOUND", "There is no such room here.")
        return answer({})

    async def post_ping(self, request: web.Request) -> web.Response:
        body = await read_body(request, self._limits)
        try:
            ping = decode_object(mend(body), Ping) if body.strip() else Ping()
        except (Malformed, TooDeep) as error:
            raise _bad(error) from None
        await self._appservice.pinged(ping.transaction_id if isinstance(ping.transaction_id, str) else None)
        return answer({})

    async def get_protocol(self, request: web.Request) -> web.Response:
        raise Refusal(404, "M_NOT_FOUND", "This protocol is not offered here.")

    async def get_third_party(self, request: web.Request) -> web.Response:
        # No protocol is offered yet, so nothing is ever found; a search that finds nothing is an empty list.
        return answer([])

    async def _in_time(self, question: Awaitable[bool], subject: str) -> bool:
        """The answer to a query, or Refusal 504 when it takes too long: the homeserver blocks while it waits.

        Not 404: that would state that there is no such thing. On 504 the user's join fails with an error of the
        moment, the fault shows in the homeserver's log too, and the next attempt asks again.
        """
        bound = asyncio.timeout(self._limits.query_seconds)
        try:
            async with bound:
                return await question
        except TimeoutError:
            if not bound.expired():
                raise
            log.warning("query for %r given up after %s s", subject, self._limits.query_seconds)
            raise Refusal(504, "M_UNKNOWN", "The bridge needs longer to find out; ask again.") from None


async def _parse(txn_id: str, body: bytes) -> Transaction:
    try:
        try:
            return read_transaction(txn_id, body)
        except TooDeep:
            shallow, cut = await asyncio.to_thread(without_deep_elements, body)
            return read_transaction(txn_id, shallow, cut=cut)
    except (Malformed, TooDeep) as error:
        raise _bad(error) from None


def _bad(error: Malformed | TooDeep) -> Refusal:
    if isinstance(error, Malformed):
        return Refusal(400, error.errcode, error.message)
    return Refusal(400, "M_NOT_JSON", "The body nests too deep.")


def _plausible(identifier: str, sigil: str) -> bool:
    """Whether it is worth asking: `sigil`, localpart, colon, server name, of a length that Matrix allows."""
    localpart, colon, server = identifier.partition(":")
    sized = len(identifier) <= IDENTIFIER_CHARACTERS and "\0" not in identifier
    return sized and localpart.startswith(sigil) and bool(colon and server)
