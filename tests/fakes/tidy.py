"""A small well-behaved network in memory, whose failures a test writes down beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from bridge.core.items import Result, Submission
from bridge.core.ports import Intake, NetworkStatus
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import DeliveryKey, Outgoing, Sent
from bridge.model.events import Content, Edited, Event, Origin, Removed, Said
from bridge.model.ids import EventId, LinkId, NetworkId, PersonId, new_event_id
from bridge.model.people import Member
from bridge.model.rooms import Link, Room

EVERYTHING = Capabilities(
    text_bytes=60_000, html=True, edits=True, removals=True, ids=True, idempotent=True, ghosts=True
)


@dataclass
class Post:
    """One message of a chat: `text` is what stands there now, None once it is taken back; `wordings` are those that
    can still be read, by the name of the message or edit that brought them."""

    id: str
    who: str
    text: str | None
    wordings: dict[str, str] = field(default_factory=dict)

    @property
    def history(self) -> list[str]:
        """Return every wording that can be read, in order."""
        return list(self.wordings.values())


@dataclass
class Fault:
    """What the next fitting request suffers: `error`, before its effect or (`late`) after it."""

    error: Exception
    late: bool = False
    fits: Callable[[Outgoing], bool] = lambda out: True


class Gate:
    """Holds fitting requests before or (`late`) after their effect: `reached` is set by the first, `open` frees all."""

    def __init__(self, fits: Callable[[Outgoing], bool], *, late: bool) -> None:
        self.fits = fits
        self.late = late
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let them go."""
        self._open.set()

    async def stand(self) -> None:
        """Wait here."""
        self.reached.set()
        await self._open.wait()


class TidyNetwork:
    """Implements `ports.Network`: chats are lists of posts, and a request that it knows is answered as before."""

    def __init__(self, name: str = "tidy", can: Capabilities = EVERYTHING) -> None:
        self.id = NetworkId(name)
        self.can = can
        self.chats: dict[str, list[Post]] = {}
        self.requests: list[Outgoing] = []
        self.faults: list[Fault] = []
        self.gates: list[Gate] = []
        self.closed: set[str] = set()
        self._answers: dict[tuple[DeliveryKey, int], str] = {}
        self._changed = asyncio.Condition()
        self._posts: dict[str, Post] = {}
        self._made = 0

    # what a test does

    def fail(self, *errors: Exception, late: bool = False, fits: Callable[[Outgoing], bool] = lambda out: True) -> None:
        """Let the next fitting requests fail with these errors, one each."""
        self.faults += [Fault(error, late, fits) for error in errors]

    def gate(self, fits: Callable[[Outgoing], bool] = lambda out: True, *, late: bool = False) -> Gate:
        """Hold the fitting requests from now on."""
        made = Gate(fits, late=late)
        self.gates.append(made)
        return made

    async def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something about the network is true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(true)

    def texts(self, chat: str) -> list[str]:
        """Return what can be read in a chat now."""
        return [post.text for post in self.chats.get(chat, []) if post.text is not None]

    # ports.Network

    async def run(self) -> None:
        """Do nothing: a test speaks for the people of this network."""

    def status(self) -> NetworkStatus:
        """Return that all is well."""
        return NetworkStatus(self.id, "up")

    def capabilities(self, link: Link) -> Capabilities:
        """Return what the test gave."""
        return self.can

    def ready(self, link: Link) -> bool:
        """Tell whether the test has not closed the chat."""
        return link.chat not in self.closed

    async def deliver(self, out: Outgoing) -> Sent:
        """Do it, unless the test wants otherwise."""
        self.requests.append(out)
        await self.changed()
        await self._stand(out, late=False)
        self._fail(out, late=False)
        remote = self._effect(out)
        await self.changed()
        await self._stand(out, late=True)
        self._fail(out, late=True)
        return Sent(remote if self.can.ids else None)

    async def changed(self) -> None:
        """Wake who waits in `until`."""
        async with self._changed:
            self._changed.notify_all()

    async def _stand(self, out: Outgoing, *, late: bool) -> None:
        for gate in self.gates:
            if gate.late is late and gate.fits(out):
                await gate.stand()

    def _fail(self, out: Outgoing, *, late: bool) -> None:
        for fault in self.faults:
            if fault.late is late and fault.fits(out):
                self.faults.remove(fault)
                raise fault.error

    def _effect(self, out: Outgoing) -> str:
        known = (out.key, out.version)
        if self.can.idempotent and known in self._answers:
            return self._answers[known]
        self._made += 1
        remote = f"{self.id}-{self._made}"
        self._answers[known] = remote
        self._change(out, remote)
        return remote

    def _change(self, out: Outgoing, remote: str) -> None:
        """Each message, edit and removal has a name of its own; removing an edit takes only its words away."""
        if out.target is None:
            assert out.wording is not None
            post = Post(remote, out.sender.shown, out.wording.text)
            self.chats.setdefault(out.link.chat, []).append(post)
        else:
            post = self._posts[out.target]
        self._posts[remote] = post
        if out.wording is not None:
            post.text = out.wording.text
            post.wordings[remote] = out.wording.text
            return
        assert out.target is not None
        post.wordings.pop(out.target, None)
        if out.target == post.id:
            post.text = None


class RememberingNetwork(TidyNetwork):
    """As above, with a history that can be searched: implements `CanFind`."""

    searched = 0

    async def find(self, out: Outgoing) -> Sent | None:
        """Look for a delivery, whatever version of it."""
        self.searched += 1
        for (key, _), remote in self._answers.items():
            if key == out.key:
                return Sent(remote)
        return None


class PeopledNetwork(TidyNetwork):
    """As above, with ghosts: implements `CanSeat` and `CanDescribe`. `seat_faults` are raised one by one, by
    person; `held` are people whose coming in waits for an event."""

    def __init__(self, name: str = "tidy", can: Capabilities = EVERYTHING) -> None:
        super().__init__(name, can)
        self.seats: dict[tuple[LinkId, PersonId], str] = {}
        self.moves: list[tuple[str, PersonId]] = []
        self.seat_faults: dict[PersonId, list[Exception]] = {}
        self.held: dict[PersonId, asyncio.Event] = {}
        self.described: list[Room] = []
        self.said_before: list[int] = []
        """How many posts there were when each of these was shown."""
        self.describe_faults: list[Exception] = []

    async def seat(self, link: Link, member: Member, *, renamed: bool) -> None:
        """Bring a ghost in."""
        self.moves.append(("try", member.person))
        await self.changed()
        if (hold := self.held.get(member.person)) is not None:
            await hold.wait()
        if self.seat_faults.get(member.person):
            raise self.seat_faults[member.person].pop(0)
        self.seats[link.id, member.person] = member.shown
        self.moves.append(("join", member.person))
        await self.changed()

    async def unseat(self, link: Link, person: PersonId, reason: str) -> None:
        """Take a ghost out."""
        self.seats.pop((link.id, person), None)
        self.moves.append(("leave", person))
        await self.changed()

    async def describe(self, link: Link, room: Room) -> None:
        """Show a room's description."""
        if self.describe_faults:
            raise self.describe_faults.pop(0)
        self.described.append(room)
        self.said_before.append(sum(map(len, self.chats.values())))
        await self.changed()


class HostingNetwork(PeopledNetwork):
    """As above, making a chat for each public room and for those whose owner asks: implements `CanHost` and
    `CanClose`. `hub` is set before it runs."""

    hub: Intake

    def __init__(self, name: str = "tidy", can: Capabilities = EVERYTHING) -> None:
        super().__init__(name, can)
        self.mirroring = True
        self.opened: list[Link] = []
        self.given_up: list[Link] = []
        self.tasks: set[asyncio.Task[None]] = set()

    def mirrors(self, room: Room, *, asked: bool = False) -> bool:
        """Tell whether a room gets a chat here."""
        return self.mirroring and (room.public or (asked and room.access == "invite"))

    def address(self, room: Room) -> str:
        """Return what the room is called here."""
        return f"#{room.slug}"

    def open(self, link: Link) -> asyncio.Task[None]:
        """Make the chat."""
        self.opened.append(link)
        return self._changed_to(msgspec.structs.replace(link, chat=f"{link.room}-{self.id}", state="ready"))

    def close(self, link: Link) -> None:
        """Give the chat up."""
        self.given_up.append(link)
        _ = self._changed_to(msgspec.structs.replace(link, state="gone"))

    def _changed_to(self, link: Link) -> asyncio.Task[None]:
        task = asyncio.create_task(self.hub.change_link(link))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class Visitor:
    """Somebody whose home is a network, in one of its chats; speaks through the hub as an adapter would."""

    def __init__(self, hub: Intake, link: Link, person: PersonId) -> None:
        self._hub = hub
        self._link = link
        self.person = person

    def rebind(self, hub: Intake) -> None:
        """Speak to another hub from now on: that of the same room after a restart."""
        self._hub = hub

    async def do(self, content: Content, origin: str | None = None, *, about: str | None = None) -> Result:
        """Submit an event; `about` is the network's name for the target of an edit or removal."""
        event_id = new_event_id()
        event = Event(
            id=event_id,
            room=self._link.room,
            who=self.person,
            at=1_700_000_000_000,
            origin=Origin(self._link.network, self._link.chat, origin or event_id),
            content=content,
        )
        target = None if about is None else Origin(self._link.network, self._link.chat, about)
        (result,) = await self._hub.submit(self._link.room, [Submission(event, target=target)])
        return result

    async def say(self, text: str, origin: str | None = None) -> Result:
        """Write a line."""
        return await self.do(Said(text), origin)

    async def edit(self, target: str, text: str, origin: str | None = None) -> Result:
        """Give a line another wording."""
        return await self.do(Edited(EventId(""), text), origin, about=target)

    async def remove(self, target: str, origin: str | None = None) -> Result:
        """Take a line back."""
        return await self.do(Removed(EventId("")), origin, about=target)
