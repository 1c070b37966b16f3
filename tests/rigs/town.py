"""A server where something goes on: people of two networks, rooms of every kind, and lines of every form."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes.homeserver import FakeHomeserver
from tests.rigs.caller import Caller
from tests.rigs.rialto import Rialto, WebUser

PASSWORD = "correct horse"
SIGNUP = "accounts:\n  signup: open\n"

PEOPLE = {"nina": "Nina", "ada": "Ada Lovelace", "li": "李雷", "bo": "Bo"}
LONG = "The plan for the weekend: we meet at the old bridge at ten, walk along the canal and have lunch at Bo's."
TALK = (
    ("ada", "Good morning! The **new page** is up: see [the notes](https://example.org/notes) and `make demo`."),
    ("ada", "What is new:\n\n- rooms by invitation\n- guests\n- *direct* conversations"),
    ("li", "大家好，我是新来的。这里可以用中文聊天吗？这是一段比较长的文字，用来看看在窄屏幕上换行是否正确。"),
    ("nina", "当然可以，欢迎！"),
    ("nina", "Thanks for the notes, Ada."),
    ("bo", "```python\nasync def run(self) -> None:\n    await self._hub.run()\n```"),
    ("bo", "> walk along the canal\n\nI bring the sandwiches 🥪"),
    ("ada", LONG),
    ("nina", "Count me in. ||It is Bo's birthday.||"),
)


@dataclass
class Town:
    """The running server, who lives there, and the addresses of what can be looked at.

    `doors` are for people without a session; `views` have a path and, perhaps, what is pressed there (on narrow
    pages only, where it says so).
    """

    rialto: Rialto
    users: dict[str, WebUser]
    doors: dict[str, str]
    views: dict[str, tuple[str, str]]


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    """Build it in a folder."""
    rialto = Rialto(folder / "rialto")
    hs = FakeHomeserver()
    hs.add_appservice(rialto.registration_path)
    async with hs, rialto, aiohttp.ClientSession() as http:
        rialto.configure(hs.url, SIGNUP)
        for name in PEOPLE:
            more = ["--admin"] if name == "nina" else []
            code, output = await rialto.command("user", "add", name, "--password-stdin", *more, stdin=f"{PASSWORD}\n")
            assert code == 0, output
        await rialto.start()
        await rialto.ready()
        users = {name: await WebUser(rialto.url, http).login(name, PASSWORD) for name in PEOPLE}
        for name, shown in PEOPLE.items():
            await users[name].call("PATCH", "account", {"display_name": shown})
        await _portraits(rialto, http, users)
        marco = await hs.register_user("marco", PASSWORD)
        caller = Caller(hs.url, marco[1], session=http)
        yield await _furnished(rialto, users, caller)


async def _furnished(rialto: Rialto, users: dict[str, WebUser], marco: Caller) -> Town:
    nina = users["nina"]
    lobby = await _room(users, "Lobby", "All are welcome. Be kind, and say hello to whoever is new.")
    await _talk(users, lobby, marco)
    await _room(users, "一起学中文", "每天一个新词", by="li")
    canal = await _room(users, "Canal walks", "Every Saturday at ten, whatever the weather", by="ada")
    await _room(users, "Kitchen", "", by="bo")
    quiet = await nina.call("POST", "rooms", {"name": "Committee", "topic": "Not for everybody", "access": "invite"})
    archived = await nina.call("POST", "rooms", {"name": "Old plans"})
    await nina.call("PATCH", f"rooms/{archived['id']}", {"archived": True})
    direct = await nina.call("POST", "direct", {"person": users["ada"].account["person"]})
    await users["ada"].say(direct["id"], "Do you have a minute?", "direct 1")
    for number in range(12):
        await users["bo"].say(canal["id"], f"Photo {number + 1} of the canal", f"photo {number}")
    await users["ada"].say(canal["id"], "@Nina, did you see these?", "mention")
    invite = await nina.call("POST", f"rooms/{quiet['id']}/invites", {"guests": True, "max_uses": 5})
    reset = await nina.call("POST", f"admin/accounts/{users['bo'].account['id']}/reset", {})
    _, claim = await rialto.command("user", "claim")
    room = f"/rooms/{lobby['id']}"
    doors = {
        "login": "/login",
        "signup": "/signup",
        "invite": _path(invite["url"]),
        "reset": _path(reset["url"]),
        "claim": _path(next(word for word in claim.split() if "/ticket/" in word)),
        "lost": "/invite/nothing",
    }
    views = {
        "rooms": ("/rooms", ""),
        "room": (room, ""),
        "people": (room, "narrow #people-button"),
        "member": (room, "#people-list button"),
        "rail": ("/rooms", "narrow .menu-button"),
        "settings": (f"{room}/settings", ""),
        "direct": (f"/rooms/{direct['id']}", ""),
        "archived": (f"/rooms/{archived['id']}", ""),
        "empty": (f"/rooms/{quiet['id']}", ""),
        "newroom": ("/rooms", ".rail-ways button"),
        "directory": ("/directory", ""),
        "account": ("/account", ""),
        "admin": ("/admin", ""),
        "nowhere": ("/rooms/nowhere", ""),
    }
    return Town(rialto, users, doors, views)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def _room(users: dict[str, WebUser], name: str, topic: str, by: str = "nina") -> dict[str, Any]:
    """Make a public room with everybody in it."""
    made: dict[str, Any] = await users[by].call("POST", "rooms", {"name": name, "topic": topic})
    for other, user in users.items():
        if other != by:
            await user.call("POST", f"rooms/{made['id']}/join", {})
    return made


async def _talk(users: dict[str, WebUser], lobby: dict[str, Any], marco: Caller) -> None:
    matrix = (await marco.join(lobby["alias"])).ok()["room_id"]
    ranked = f"rooms/{lobby['id']}/members/{users['ada'].account['person']}"
    await users["nina"].call("PATCH", ranked, {"role": "moderator"})
    for number in range(60):
        name = list(PEOPLE)[number // 4 % len(PEOPLE)]
        await users[name].say(lobby["id"], f"An earlier line, number {number + 1}", f"early {number}")
    for number, (name, text) in enumerate(TALK):
        await users[name].say(lobby["id"], text, f"talk {number}")
    await _heard(users["nina"], lobby["id"], marco, matrix, "Seen from Matrix it is the same conversation. 很好！")
    said = await users["bo"].say(lobby["id"], "Wrong window, sorry", "slip")
    target = next(line for line in await users["bo"].log(lobby["id"]) if line["seq"] == said)
    removed = {"kind": "removed", "content": {"target": target["id"]}, "client_id": "unslip"}
    await users["bo"].call("POST", f"rooms/{lobby['id']}/events", removed)
    await users["nina"].call("PATCH", f"rooms/{lobby['id']}", {"slow_seconds": 5})
    await users["nina"].call("PATCH", f"rooms/{lobby['id']}", {"slow_seconds": 0})
    await users["li"].say(lobby["id"], "谢谢大家！", "thanks")


async def _heard(user: WebUser, room: str, marco: Caller, matrix: str, text: str) -> None:
    """Send a line from Matrix, and wait until it is in the room."""
    (await marco.send(matrix, text, txn_id="talk")).ok()
    async with asyncio.timeout(20):
        while text not in [line["content"].get("text") for line in await user.log(room)]:
            await asyncio.sleep(0.1)


async def _portraits(rialto: Rialto, http: aiohttp.ClientSession, users: dict[str, WebUser]) -> None:
    """Give one of the people a picture, drawn here."""
    async with http.put(
        f"{rialto.url}/api/v1/account/avatar", data=BytesIO(_sunset()), headers=users["ada"].headers
    ) as answer:
        assert answer.status == 200, await answer.text()


def _sunset(size: int = 96) -> bytes:
    """Return a PNG of a sun over the sea."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)
        for x in range(size):
            sun = (x - size / 2) ** 2 + (y - size * 0.55) ** 2 < (size * 0.22) ** 2
            sky = (250 - y, 150 - y // 2, 90 + y)
            rows += bytes((255, 236, 160) if sun and y < size * 0.62 else (30, 70, 110) if y > size * 0.62 else sky)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
