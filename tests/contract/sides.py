"""The stage of the contract between the core and its networks: the same acts, on Matrix and on the nasty network."""

from __future__ import annotations

import re
from abc import abstractmethod
from pathlib import Path
from typing import Protocol

import msgspec

from bridge.core.items import LinkChange
from bridge.model.capabilities import Capabilities
from bridge.model.events import Style
from bridge.model.ids import PersonId
from bridge.model.rooms import Link, Room
from tests.fakes.nasty import NastyDaemon, NastyNetwork, NastyUser
from tests.rigs.caller import Caller
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide


class Shown(msgspec.Struct, frozen=True):
    """What somebody on the other side reads: who said what, and how it looks."""

    who: str
    text: str
    style: Style = "text"
    html: str = ""


class Side(Protocol):
    """One network, one chat of it, and its people; `world` is the Rialto beside it."""

    world: Installation

    @abstractmethod
    async def found(self, name: str, owner: PersonId) -> Room:
        """Make a room here that has a chat there."""

    @abstractmethod
    async def enter(self, user: str) -> None:
        """Let somebody come into the chat."""

    @abstractmethod
    async def leave(self, user: str) -> None:
        """Let somebody go."""

    @abstractmethod
    async def rename(self, user: str, name: str) -> None:
        """Give somebody another name; later acts still call them `user`."""

    @abstractmethod
    async def say(self, user: str, text: str, *, style: Style = "text", html: str = "") -> str:
        """Say a line: its name there, "" where lines have none."""

    @abstractmethod
    async def edit(self, user: str, line: str, text: str) -> None:
        """Give a line another wording."""

    @abstractmethod
    async def remove(self, user: str, line: str) -> None:
        """Take a line back."""

    @abstractmethod
    async def describe(self, user: str, *, name: str = "", topic: str = "") -> None:
        """Change the chat's name or topic."""

    @abstractmethod
    def shown(self) -> list[Shown]:
        """What can be read there now of what came from here, in order."""

    @abstractmethod
    def description(self) -> tuple[str, str]:
        """The chat's name and topic."""

    @abstractmethod
    async def down(self) -> None:
        """Put the network out of reach."""

    @abstractmethod
    async def up(self) -> None:
        """Put it back."""

    @abstractmethod
    def break_next(self, *, heard: bool, count: int = 1) -> None:
        """Break the connection at our next sends, before or after they have had effect."""

    @abstractmethod
    async def settle(self) -> None:
        """Return when nothing is under way any more."""

    @property
    @abstractmethod
    def can(self) -> Capabilities:
        """What the network can do."""


class Matrix(Side):
    """The Matrix adapter on the fake homeserver."""

    def __init__(self, folder: Path) -> None:
        self.matrix = MatrixSide()
        self.world = Installation(folder, self.matrix.make)
        self._link: Link
        self._users: dict[str, tuple[Caller, str]] = {}

    async def found(self, name: str, owner: PersonId) -> Room:
        room = await self.world.native.found_room(name, owner)
        self._link = await self.matrix.portal(room)
        return room

    async def _caller(self, user: str) -> tuple[Caller, str]:
        if user not in self._users:
            self._users[user] = await self.matrix.user(f"user{len(self._users)}")
            await self.rename(user, user)
        return self._users[user]

    async def enter(self, user: str) -> None:
        caller, user_id = await self._caller(user)
        (await caller.join(self._link.chat)).ok()
        levels = self.matrix.matrix_room(self._link.chat).get("m.room.power_levels")
        body = {**levels, "users": {**levels["users"], user_id: 50}}
        (await self.matrix.bot().put_state(self._link.chat, "m.room.power_levels", body)).ok()

    async def leave(self, user: str) -> None:
        (await self._users[user][0].member(self._link.chat, "leave")).ok()

    async def rename(self, user: str, name: str) -> None:
        caller, user_id = self._users[user]
        (await caller.call("PUT", f"profile/{user_id}/displayname", {"displayname": name})).ok()

    async def say(self, user: str, text: str, *, style: Style = "text", html: str = "") -> str:
        content = {"msgtype": f"m.{style}", "body": text}
        if html:
            content |= {"format": "org.matrix.custom.html", "formatted_body": html}
        return str((await self._users[user][0].send(self._link.chat, content)).ok()["event_id"])

    async def edit(self, user: str, line: str, text: str) -> None:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": line}
        content = {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation}
        (await self._users[user][0].send(self._link.chat, content)).ok()

    async def remove(self, user: str, line: str) -> None:
        (await self._users[user][0].redact(self._link.chat, line)).ok()

    async def describe(self, user: str, *, name: str = "", topic: str = "") -> None:
        caller, _ = self._users[user]
        if name:
            (await caller.put_state(self._link.chat, "m.room.name", {"name": name})).ok()
        if topic:
            (await caller.put_state(self._link.chat, "m.room.topic", {"topic": topic})).ok()

    def shown(self) -> list[Shown]:
        room, lines = self.matrix.matrix_room(self._link.chat), []
        for event in self.matrix.events(self._link.chat):
            edit = event.content.get("m.relates_to", {}).get("rel_type") == "m.replace"
            if not self.matrix.network.naming.ours(event.sender) or event.redacted_by or edit:
                continue
            content = event.edited_by.content["m.new_content"] if event.edited_by else event.content
            style = content["msgtype"].removeprefix("m.")
            if event.sender == self.matrix.network.naming.bot:
                who, _, text = content["body"].partition(": ")
                lines.append(Shown(who, text, style))
                continue
            who = room.get("m.room.member", event.sender)["displayname"]
            lines.append(Shown(who, content["body"], style, content.get("formatted_body", "")))
        return lines

    def description(self) -> tuple[str, str]:
        room = self.matrix.matrix_room(self._link.chat)
        return room.get("m.room.name").get("name", ""), room.get("m.room.topic").get("topic", "")

    async def down(self) -> None:
        await self.matrix.hs.go_down()

    async def up(self) -> None:
        await self.matrix.hs.come_up()

    def break_next(self, *, heard: bool, count: int = 1) -> None:
        path = "/send/m.room.message/rialto"
        if heard:
            # aiohttp's client repeats such a request once by itself.
            self.matrix.hs.drop_reply("PUT", path, count=2 * count)
        else:
            self.matrix.hs.fail_next("PUT", path, 502, "M_UNKNOWN", count=count)

    async def settle(self) -> None:
        await self.matrix.settle()

    @property
    def can(self) -> Capabilities:
        return self.matrix.network.capabilities(self._link)


class Nasty(Side):
    """The nasty network."""

    def __init__(self, folder: Path) -> None:
        self.daemon = NastyDaemon()
        self.world = Installation(folder, self._make)
        self._network: NastyNetwork
        self._link: Link | None = None
        self._users: dict[str, NastyUser] = {}

    async def _make(self, world: Installation) -> NastyNetwork:
        def links() -> list[Link]:
            return [] if self._link is None else [self._link]

        self._network = NastyNetwork(lambda: self.daemon.port, world.hub, world.people, links)
        return self._network

    @property
    def chat(self) -> str:
        """The one chat."""
        assert self._link is not None
        return self._link.chat

    async def found(self, name: str, owner: PersonId) -> Room:
        room = await self.world.room(owner, name=name)
        (link,) = await self.world.links(room)
        self._link = link
        self._network.enter(link)
        await self.daemon.present("rialto", link.chat)
        await self.settle()
        await self.world.hub.submit(room.id, [LinkChange(link)])
        return room

    async def enter(self, user: str) -> None:
        if user not in self._users:
            self._users[user] = await NastyUser(self.daemon, user).connect()
        await self._users[user].send(f"JOIN {self.chat}")
        await self.daemon.present(self._users[user].nick, self.chat)

    async def leave(self, user: str) -> None:
        await self._users[user].send(f"PART {self.chat}")

    async def rename(self, user: str, name: str) -> None:
        await self._users[user].send(f"NICK {name}")

    async def say(self, user: str, text: str, *, style: Style = "text", html: str = "") -> str:
        await self._users[user].send(f"{'ACT' if style == 'emote' else 'SAY'} {self.chat} {text}")
        return ""

    async def edit(self, user: str, line: str, text: str) -> None:
        raise AssertionError("nothing can be edited there")

    async def remove(self, user: str, line: str) -> None:
        raise AssertionError("nothing can be removed there")

    async def describe(self, user: str, *, name: str = "", topic: str = "") -> None:
        if name:
            await self._users[user].send(f"NAME {self.chat} {name}")
        if topic:
            await self._users[user].send(f"TOPIC {self.chat} {topic}")

    def shown(self) -> list[Shown]:
        lines = []
        for spoken in self.daemon.spoken:
            assert not spoken.cut, "a line lost its end"
            if spoken.nick != "rialto":
                continue
            said = re.fullmatch(r"<(?P<who>[^>]*)> (?P<text>.*)|\* (?P<actor>\S+) (?P<act>.*)", spoken.text)
            assert said is not None, spoken.text
            if said["who"] is not None:
                lines.append(Shown(said["who"], said["text"]))
            else:
                lines.append(Shown(said["actor"], said["act"], "emote"))
        return lines

    def description(self) -> tuple[str, str]:
        return self.daemon.names.get(self.chat, ""), self.daemon.topics.get(self.chat, "")

    async def down(self) -> None:
        await self.close()
        await self.daemon.stop()

    async def up(self) -> None:
        await self.daemon.start()

    def break_next(self, *, heard: bool, count: int = 1) -> None:
        self.daemon.drop_next("rialto", heard=heard, count=count)

    async def settle(self) -> None:
        if self._link is not None:
            await self.daemon.present("rialto", self.chat)
        for user in self._users.values():
            await user.fence()
        await self.daemon.fence()
        await self.world.idle()

    @property
    def can(self) -> Capabilities:
        assert self._link is not None
        return self._network.capabilities(self._link)

    async def close(self) -> None:
        """Let everybody go off line."""
        for user in self._users.values():
            await user.close()
        self._users.clear()
