"""One life of the demo: prepare the folder, start the homeserver and Rialto, keep both running, end both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from bridge.cli.demo import configs, ports, rialto, synapse, table
from bridge.cli.demo import state as states
from bridge.cli.demo.addresses import Addresses
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.lock import FolderLock
from bridge.cli.demo.logfile import LogFile
from bridge.cli.demo.state import Lobby, State
from bridge.cli.demo.supervisor import Keeper, Part
from bridge.cli.demo.waiting import until
from bridge.settings import Settings

_TRIM_EVERY = 30.0
_ANSWER_WITHIN = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line; a port of None is ours to choose."""

    folder: Path
    host: str = ports.LOOPBACK
    web_port: int | None = None
    homeserver_port: int | None = None
    fresh: bool = False


class Session:
    """`say` gets every line for the user; `run` raises DemoError, and `stop` may be called at any time."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._layout = Layout(options.folder)
        self._lock: FolderLock | None = None
        self._homeserver: Keeper | None = None
        self._rialto: Keeper | None = None
        self._publish: Callable[[], None] | None = None

    async def run(self) -> None:
        """Start everything, say so, then watch; it returns only by being cancelled."""
        synapse.require()
        state, addresses = self._prepare()
        settings = configs.write_rialto(self._layout, state, addresses)
        synapse.write_files(self._layout, state, addresses)
        # An older one would tell of processes that are gone.
        self._layout.summary.unlink(missing_ok=True)
        rialto.ensure_schema(self._layout)
        await rialto.ensure_account(self._layout, state.web_user)
        async with aiohttp.ClientSession(timeout=_ANSWER_WITHIN) as session:
            await self._start_homeserver(session, state, addresses)
            lobby = await self._start_rialto(session, state, addresses)
        self._publish = lambda: self._write_summary(state, addresses, settings, lobby)
        self._publish()
        self._say(table.table(self._layout, state, addresses, lobby))
        await self._watch()

    async def stop(self) -> None:
        """End Rialto, then the homeserver, which it still needs while it stops; then let the folder go."""
        for keeper in (self._rialto, self._homeserver):
            if keeper is not None:
                await keeper.stop()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def kill(self) -> None:
        """End both parts at once, where a second Ctrl-C asks for it."""
        for keeper in (self._rialto, self._homeserver):
            if keeper is not None:
                keeper.kill()

    def _prepare(self) -> tuple[State, Addresses]:
        """Take the folder, and settle names, secrets and ports for this start."""
        layout, options = self._layout, self._options
        layout.make_root()
        self._lock = FolderLock(layout)
        if options.fresh and (removed := layout.remove()):
            self._say(f"Removed the {removed} files of an earlier demo from {layout.root}.")
        layout.check()
        state = states.load(layout)
        chosen = ports.choose(
            options.host, web=options.web_port, homeserver=options.homeserver_port, last=state.ports
        )
        if state.lobby is None:
            self._say(f"Making a demo in {layout.root} ...")
        else:
            self._say(f"Going on with the demo in {layout.root} ...")
        state = msgspec.structs.replace(state, ports=chosen)
        states.save(layout, state)
        return state, Addresses(options.host, chosen)

    async def _start_homeserver(self, session: aiohttp.ClientSession, state: State, addresses: Addresses) -> None:
        url = addresses.homeserver
        self._say(f"Starting the homeserver (Synapse) on {url} ...")
        self._homeserver = keeper = self._keeper(
            "homeserver", synapse.command(self._layout), LogFile(self._layout.homeserver_log)
        )
        await keeper.start()
        await until(lambda: synapse.healthy(session, url), keeper, self._say, goal="the homeserver's start")
        await until(
            lambda: synapse.register_user(session, url, state), keeper, self._say, goal=f"registering {state.user_id}"
        )

    async def _start_rialto(self, session: aiohttp.ClientSession, state: State, addresses: Addresses) -> Lobby:
        url = addresses.web
        self._say(f"Starting Rialto on {url} ...")
        self._rialto = keeper = self._keeper("rialto", rialto.command(self._layout), LogFile(self._layout.log))
        await keeper.start()
        await until(lambda: rialto.ready(session, url), keeper, self._say, goal="Rialto's start")
        lobby = state.lobby
        if lobby is None:
            self._say("Making the room Lobby ...")
            lobby = await until(
                lambda: rialto.ensure_lobby(session, url, state.web_user), keeper, self._say, goal="making the Lobby"
            )
            states.save(self._layout, msgspec.structs.replace(state, lobby=lobby))
        alias = lobby.alias
        await until(
            lambda: synapse.resolve_alias(session, addresses.homeserver, alias),
            keeper,
            self._say,
            goal="the Lobby's way to Matrix",
        )
        return lobby

    def _keeper(self, name: str, command: tuple[str, ...], log: LogFile) -> Keeper:
        assert self._lock is not None
        part = Part(
            name=name,
            command=command,
            folder=self._layout.root,
            log=log,
            environment=rialto.environment(os.environ),
            # As long as one part lives, no other demo gets the folder.
            inherited=(self._lock.descriptor,),
        )
        return Keeper(part, say=self._say, started=self._restarted)

    def _restarted(self) -> None:
        if self._publish is None:
            return
        try:
            self._publish()
        except OSError as error:
            self._say(f"{self._layout.summary} cannot be written ({error.strerror}): it names an old process")

    def _write_summary(self, state: State, addresses: Addresses, settings: Settings, lobby: Lobby) -> None:
        assert self._rialto is not None
        assert self._homeserver is not None
        table.write_summary(
            self._layout,
            state,
            addresses,
            settings,
            lobby,
            rialto=self._rialto.pid,
            homeserver=self._homeserver.pid,
        )

    async def _watch(self) -> None:
        """Keep the logs from growing without bound, for ever."""
        logs = [keeper.part.log for keeper in (self._rialto, self._homeserver) if keeper is not None]
        while True:
            await asyncio.sleep(_TRIM_EVERY)
            for log in logs:
                try:
                    log.trim()
                except OSError as error:
                    self._say(f"{log.path} cannot be cut: {error.strerror}")
