"""The doctor's checks: each looks at one thing outside the settings, and says what to do where it is not well."""

from __future__ import annotations

import asyncio
import email.utils
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from bridge.app.doctor_sign_in import matrix_finding, provider_finding
from bridge.app.findings import Finding, examine_database
from bridge.app.sign_in import sign_in_options
from bridge.model.errors import AuthFailed, NetworkError, Rejected, Retry, Unreachable
from bridge.networks.matrix import server as appservice
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.door import runner
from bridge.networks.matrix.registration import Registration
from bridge.networks.matrix.wire import Transaction
from bridge.settings import Settings
from bridge.settings.agreement import registration_problems
from bridge.settings.values import Listen

CLOCK_SECONDS = 5.0
PING_SECONDS = 10.0
OLDEST_VERSION = (1, 4)
SMALL_UPLOAD = 10 * 1024 * 1024


Check = Callable[[], Awaitable[list[Finding]]]


class Doctor:
    """Examines the surroundings of one installation; changes nothing."""

    def __init__(self, settings: Settings, registration: Registration) -> None:
        self._settings = settings
        self._registration = registration
        self._client = HomeserverClient(settings.homeserver.url, registration.as_token, timeout=10)

    async def examine(self) -> AsyncIterator[Finding]:
        """Yield each finding as it is made; what depends on something that is not well is left out."""
        try:
            for finding in self._files():
                yield finding
            yield await examine_database(self._settings.database_url)
            sign_in = sign_in_options(self._settings)
            for provider in sign_in.oidc:
                yield await provider_finding(provider)
            reachable = await self._homeserver()
            yield reachable
            if not reachable.well:
                return
            if sign_in.matrix is not None:
                yield await matrix_finding(sign_in.matrix)
            yield await self._clock()
            token = await self._as_token()
            yield token
            if not token.well:
                return
            yield await self._ping()
            yield await self._media()
        finally:
            await self._client.close()

    def _files(self) -> list[Finding]:
        problems = registration_problems(self._settings)
        if not problems:
            return [Finding("registration", f"{self._settings.appservice.registration} fits the settings")]
        remedy = "mend that line, or run `rialto init` again, which keeps the tokens"
        return [Finding("registration", str(problem), remedy) for problem in problems]

    async def _homeserver(self) -> Finding:
        url = self._settings.homeserver.url
        try:
            answer = await self._client.versions()
        except AuthFailed:
            # Some look at the token even for this; who refuses it in these words is a homeserver.
            return Finding("homeserver", f"{url} answers")
        except Unreachable as error:
            return Finding("homeserver", str(error), f"start the homeserver, or mend homeserver.url ({url})")
        except NetworkError as error:
            return Finding("homeserver", str(error), f"mend homeserver.url: no Matrix homeserver answers at {url}")
        versions = [version for version in answer.get("versions", []) if isinstance(version, str)]
        newest = max(map(_version, versions), default=(0, 0))
        if newest < OLDEST_VERSION:
            remedy = f"upgrade it: Rialto needs Matrix v{OLDEST_VERSION[0]}.{OLDEST_VERSION[1]} or newer"
            return Finding("homeserver", f"{url} speaks {', '.join(versions) or 'no version'}", remedy)
        return Finding("homeserver", f"{url} answers, Matrix up to v{newest[0]}.{newest[1]}")

    async def _clock(self) -> Finding:
        url = self._settings.homeserver.url
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.get(f"{url}/_matrix/client/versions") as response,
            ):
                date = response.headers.get("Date", "")
        except aiohttp.ClientError as error:
            return Finding("clock", f"could not be compared: {error}", "try again")
        try:
            ahead = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
        except ValueError:
            return Finding("clock", "the homeserver does not tell the time")
        # The header has whole seconds: up to one of them is no difference.
        if abs(ahead - 0.5) > CLOCK_SECONDS:
            remedy = "let both machines take their time from NTP"
            return Finding("clock", f"this machine is {ahead:+.0f} s from the homeserver", remedy)
        return Finding("clock", "agrees with the homeserver's")

    async def _as_token(self) -> Finding:
        path = self._settings.appservice.registration
        try:
            us = await self._client.whoami()
        except AuthFailed:
            remedy = f"add {path} to app_service_config_files in homeserver.yaml, and restart the homeserver"
            return Finding("as_token", "the homeserver does not know it", remedy)
        except NetworkError as error:
            return Finding("as_token", str(error), "look into the homeserver's log")
        expected = f"@{self._settings.appservice.prefix}:{self._settings.homeserver.server_name}"
        if us.user_id != expected:
            remedy = f"set homeserver.server_name to {us.user_id.partition(':')[2]}, and run `rialto init` again"
            if us.user_id.partition(":")[2] == self._settings.homeserver.server_name:
                remedy = "let the homeserver read the present registration: restart it"
            return Finding("as_token", f"it stands for {us.user_id}, not {expected}", remedy)
        return Finding("as_token", f"the homeserver takes us for {us.user_id}")

    async def _ping(self) -> Finding:
        """Have the homeserver call us: on the running Rialto, or on a listener of our own for the moment."""
        mark = secrets.token_hex(8)
        async with _stand_in(self._settings, self._registration) as standing:
            if standing is None and (unfit := await self._unfit()):
                return unfit
            try:
                async with asyncio.timeout(PING_SECONDS):
                    took = await self._client.ping(self._registration.id, mark)
            except TimeoutError:
                listening = f"what listens on {self._settings.appservice.listen} does not answer"
                return Finding("ping", f"it did not come back within {PING_SECONDS:g} s", f"end it: {listening}")
            except (Rejected, Retry) as error:
                return Finding("ping", str(error), self._ping_remedy(str(error)))
            except NetworkError as error:
                return Finding("ping", str(error), "look into the homeserver's log")
        ours = self._settings.appservice
        if standing is not None and mark not in standing.heard:
            # A Rialto that was started with other settings answered in our place.
            return Finding("ping", f"the homeserver calls another address than {ours.url}", self._elsewhere())
        who = "the running Rialto" if standing is None else "the doctor's own listener: Rialto is not running"
        return Finding("ping", f"the homeserver reaches {ours.url} ({who}) in {took} ms")

    async def _unfit(self) -> Finding | None:
        """Call what listens in our place with our own hs_token: it may run with other settings than these."""
        ours = self._settings.appservice
        url = f"{ours.url if _is_here(ours.url) else _address(ours.listen)}/_matrix/app/v1/ping"
        bearer = {"Authorization": f"Bearer {self._registration.hs_token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PING_SECONDS)) as session,
                session.post(url, json={"transaction_id": secrets.token_hex(8)}, headers=bearer) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            said = str(error) or f"no answer within {PING_SECONDS:g} s"
            return Finding("ping", f"no Rialto answers at {url}: {said}", self._elsewhere())
        if status in (401, 403):
            return Finding("ping", f"what listens at {url} does not take the registration's hs_token", self._stale())
        return None

    def _elsewhere(self) -> str:
        ours = self._settings.appservice
        return (
            f"mend appservice.url ({ours.url}) or appservice.listen ({ours.listen}), run `rialto init`, and restart "
            "the homeserver and Rialto"
        )

    def _stale(self) -> str:
        return (
            f"put back the hs_token of {self._settings.appservice.registration} that the homeserver has; or, to take "
            "the new one, let the homeserver read that file, and restart both"
        )

    def _ping_remedy(self, error: str) -> str:
        ours = self._settings.appservice
        if "M_CONNECTION_FAILED" in error or "M_CONNECTION_TIMEOUT" in error:
            return (
                f"the homeserver cannot reach {ours.url}: mend appservice.url or appservice.listen ({ours.listen}), "
                "run `rialto init`, and restart the homeserver"
            )
        if "M_URL_NOT_SET" in error:
            return "the homeserver's registration has no url: let it read ours, and restart it"
        if "403" in error or "401" in error or "M_BAD_STATUS" in error:
            return (
                f"something answers at {ours.url} that does not take its hs_token: let the homeserver read "
                f"the present {ours.registration} and restart it; and see that Rialto itself listens there"
            )
        return "look into the homeserver's log"

    async def _media(self) -> Finding:
        try:
            size = await self._client.media_config()
        except NetworkError as error:
            return Finding("media", str(error), "look into the homeserver's log")
        if size is not None and size < SMALL_UPLOAD:
            return Finding("media", f"uploads of up to {size >> 10} KiB only", "raise its max_upload_size")
        limit = "of any size" if size is None else f"of up to {size >> 20} MiB"
        return Finding("media", f"uploads {limit}")


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.removeprefix("v").partition(".")
    return (int(major), int(minor)) if text.startswith("v") and major.isdigit() and minor.isdigit() else (0, 0)


def _is_here(url: str) -> bool:
    """Tell whether an address leads to this machine: what another one calls need not be reachable from here."""
    host = URL(url).host or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _address(listen: Listen) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return str(URL.build(scheme="http", host=host, port=listen.port))


class _Deaf:
    """Stands in for Rialto: hears pings, and takes nothing that it could lose."""

    def __init__(self) -> None:
        self.heard: set[str | None] = set()

    async def transaction(self, txn: Transaction) -> None:
        raise RuntimeError("the doctor takes no transactions: the homeserver will try again")

    async def user_exists(self, user_id: str) -> bool:
        return False

    async def alias_exists(self, alias: str) -> bool:
        return False

    async def pinged(self, transaction_id: str | None) -> None:
        self.heard.add(transaction_id)


@asynccontextmanager
async def _stand_in(settings: Settings, registration: Registration) -> AsyncIterator[_Deaf | None]:
    """Listen where Rialto would, unless it does; yield who listens then, or None."""
    deaf = _Deaf()
    standing = runner(appservice.routes(deaf, hs_token=registration.hs_token))
    await standing.setup()
    listen = settings.appservice.listen
    try:
        try:
            await web.TCPSite(standing, listen.host, listen.port).start()
        except OSError:
            yield None
        else:
            yield deaf
    finally:
        await standing.cleanup()
