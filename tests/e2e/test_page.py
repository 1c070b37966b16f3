"""The page in a real browser, beside the fake homeserver: what one sees, does with the keyboard, and keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.faults.scene import PASSWORD, homeserver
from tests.rigs.browser import browser
from tests.rigs.page import Screen, screen
from tests.rigs.rialto import Rialto, WebUser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass
class House:
    """A running server with the accounts anna (admin) and berta, and anna's room Lobby."""

    rialto: Rialto
    browser: Browser
    anna: WebUser
    berta: WebUser
    lobby: str

    @asynccontextmanager
    async def at(self, name: str, room: str = "", **options: Any) -> AsyncIterator[Screen]:
        """Open a window, signed in, and in a room."""
        async with screen(self.browser, self.rialto.url, **options) as made:
            await made.sign_in(name, PASSWORD)
            if room:
                await made.go(f"/rooms/{room}")
                await made.live()
            yield made

    async def fill(self, count: int, start: int = 1) -> list[str]:
        """Let berta say numbered lines in the Lobby."""
        texts = [f"line {number}" for number in range(start, start + count)]
        for text in texts:
            await self.berta.say(self.lobby, text, text)
        return texts


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    rialto = Rialto(tmp_path / "rialto")
    async with (
        homeserver("fake", tmp_path, rialto) as hs,
        rialto,
        browser() as running,
        aiohttp.ClientSession() as http,
    ):
        rialto.configure(hs.url, "accounts:\n  signup: open\n")
        for name, more in (("anna", ["--admin"]), ("berta", [])):
            code, output = await rialto.command("user", "add", name, "--password-stdin", *more, stdin=f"{PASSWORD}\n")
            assert code == 0, output
        code, output = await rialto.command("room", "create", "Lobby", "--owner", "anna", "--topic", "All are welcome")
        assert code == 0, output
        await rialto.start()
        await rialto.ready()
        anna = await WebUser(rialto.url, http).login("anna", PASSWORD)
        berta = await WebUser(rialto.url, http).login("berta", PASSWORD)
        lobby = next(room for room in (await anna.call("GET", "rooms"))["rooms"] if room["name"] == "Lobby")
        await berta.call("POST", f"rooms/{lobby['id']}/join", {})
        yield House(rialto, running, anna, berta, lobby["id"])


PROBES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "**bold** <b onclick=alert(1)>x</b>",
    "[link](javascript:alert(1))",
    "`code` <svg/onload=alert(1)>",
    '"><iframe src="javascript:alert(1)">',
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
)


async def test_what_people_write_is_text_whatever_it_looks_like(house: House) -> None:
    await house.berta.call("PATCH", "account", {"display_name": "<img src=x onerror=alert(1)>"})
    await house.anna.call("PATCH", f"rooms/{house.lobby}", {"topic": "<script>alert(1)</script>"})
    for number, text in enumerate(PROBES):
        await house.berta.say(house.lobby, text, f"probe {number}")
    async with house.at("anna", house.lobby) as anna:
        opened: list[str] = []
        anna.page.on("dialog", lambda dialog: opened.append(dialog.message))
        shown = await anna.lines()
        assert PROBES[0] in shown
        assert shown[2] == "bold <b onclick=alert(1)>x</b>"
        assert await anna.page.locator("#lines script, #lines img, #lines iframe, #lines .content svg").count() == 0
        assert await anna.page.locator('#lines a[href^="javascript"]').count() == 0
        assert opened == []


async def test_two_windows_talk_and_see_each_other_edit_and_remove(house: House) -> None:
    async with house.at("anna", house.lobby) as anna, house.at("berta", house.lobby) as berta:
        await anna.write("Hello **there**")
        await expect(berta.page.locator("#lines strong", has_text="there")).to_be_visible()
        await berta.write("Hi!\n2nd line")
        await anna.shows(["Hello there", "Hi!\n2nd line"])
        box = berta.page.locator("#write")
        await box.fill("a draft")
        await box.fill("")
        await box.press("ArrowUp")
        await expect(box).to_have_value("Hi!\n2nd line")
        await box.press("Escape")
        await expect(box).to_have_value("")
        await box.press("ArrowUp")
        await box.fill("Hi, everybody!")
        await box.press("Enter")
        await expect(anna.page.locator("#lines .content", has_text="Hi, everybody! (edited)")).to_be_visible()
        await expect(box).to_have_value("")
        line = berta.page.locator("#lines .own", has_text="Hi, everybody!")
        await line.hover()
        await line.get_by_role("button", name="Remove").click()
        await line.get_by_role("button", name="Remove?").click()
        await expect(anna.page.locator("#lines .gone")).to_have_text("Message removed")
        await anna.shows(["Hello there", "Message removed"])


async def test_older_lines_come_without_a_jump_down_to_the_first(house: House) -> None:
    texts = await house.fill(160)
    async with house.at("anna", house.lobby) as anna:
        assert (await anna.lines())[-1] == texts[-1]
        assert await anna.measure("scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2")
        seen = len(await anna.lines())
        while seen < len(texts):
            # Hold on to a line in view, scroll to the top, and look where the line is once older ones are there.
            await anna.scroll(40)
            held = await anna.page.locator("#lines .said").nth(3).get_attribute("data-seq")
            before = await anna.page.locator(f'[data-seq="{held}"]').bounding_box()
            await expect(anna.page.locator("#lines .said")).not_to_have_count(seen)
            after = await anna.page.locator(f'[data-seq="{held}"]').bounding_box()
            assert before is not None
            assert after is not None
            assert abs(after["y"] - before["y"]) < 2
            seen = len(await anna.lines())
        assert await anna.lines() == texts
        await anna.scroll(0)
        await expect(anna.page.get_by_text("This is where the room begins.")).to_be_visible()


async def test_who_reads_back_is_not_moved_and_finds_the_way_to_what_is_new(house: House) -> None:
    texts = await house.fill(60)
    async with house.at("anna", house.lobby) as anna:
        await anna.scroll(300)
        await expect(anna.page.get_by_text("This is where the room begins.")).to_be_attached()
        before = await anna.measure("scroller.scrollTop")
        texts += await house.fill(50, start=61)
        pill = anna.page.locator("#pill")
        await expect(pill).to_contain_text("50 new messages")
        assert await anna.measure("scroller.scrollTop") == before
        await pill.click()
        await expect(pill).to_be_hidden()
        await expect(anna.page.locator("#lines .said").last).to_be_in_viewport()
        assert (await anna.lines())[-1] == texts[-1]


async def test_what_is_read_is_known_on_every_screen(house: House) -> None:
    async with house.at("anna") as first, house.at("anna") as second:
        await house.fill(3)
        for window in (first, second):
            await expect(window.page.locator(".rail-rooms .count")).to_have_text("3")
        await first.page.bring_to_front()
        await first.enter("Lobby")
        await expect(first.page.locator("#new-line")).to_be_visible()
        await expect(second.page.locator(".rail-rooms .count")).to_have_count(0)


class Plug:
    """The socket of a window, which may be pulled out while the rest of the network works."""

    def __init__(self) -> None:
        self.out = False
        self._open: list[WebSocketRoute] = []

    async def handle(self, route: WebSocketRoute) -> None:
        """Pass on what is said, or end it."""
        if self.out:
            await route.close(code=1011)
            return
        self._open.append(route)
        route.connect_to_server()

    async def pull(self) -> None:
        """End all sockets, and let none be made."""
        self.out = True
        for route in self._open:
            await route.close(code=1011)
        self._open.clear()


async def test_a_line_shows_at_once_and_survives_a_reload_without_a_connection(house: House) -> None:
    async with house.at("anna", house.lobby) as anna:
        plug = Plug()
        await anna.page.route_web_socket("**/api/v1/socket", plug.handle)
        await anna.page.reload()
        await anna.live()
        await plug.pull()
        await expect(anna.page.get_by_text("No connection to the server")).to_be_visible()
        await anna.write("written in the dark")
        await anna.write("and one more")
        assert await anna.lines() == ["written in the dark", "and one more"]
        await expect(anna.page.locator("[data-unsent]")).to_have_count(2)
        await anna.page.reload()
        await expect(anna.page.get_by_text("No connection to the server")).to_be_visible()
        plug.out = False
        await anna.shows(["written in the dark", "and one more"])
        await anna.page.reload()
        await anna.live()
        await anna.shows(["written in the dark", "and one more"])
    assert [line["content"]["text"] for line in await house.anna.log(house.lobby) if line["kind"] == "said"] == [
        "written in the dark",
        "and one more",
    ]


async def test_what_one_began_to_write_is_there_after_a_reload_in_its_room(house: House) -> None:
    other = (await house.anna.call("POST", "rooms", {"name": "Other"}))["id"]
    async with house.at("anna", house.lobby) as anna:
        await anna.page.locator("#write").fill("half a thought")
        await anna.page.reload()
        await expect(anna.page.locator("#write")).to_have_value("half a thought")
        await anna.enter("Other")
        await expect(anna.page.locator("#write")).to_have_value("")
        await anna.page.go_back()
        await expect(anna.page.locator("#write")).to_have_value("half a thought")
        assert other in {room["id"] for room in (await house.anna.call("GET", "rooms"))["rooms"]}


async def test_enter_that_chooses_a_word_of_an_input_method_sends_nothing(house: House) -> None:
    async with house.at("anna", house.lobby) as anna:
        await anna.page.locator("#write").fill("你好")
        press = "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true, isComposing: true})"
        await anna.measure(f"document.getElementById('write').dispatchEvent({press})")
        await expect(anna.page.locator("#write")).to_have_value("你好")
        await anna.page.locator("#write").press("Shift+Enter")
        await expect(anna.page.locator("#write")).to_have_value("你好\n")
        await anna.page.locator("#write").press("Enter")
        await anna.shows(["你好"])


async def test_language_and_theme_are_chosen_at_once_and_kept(house: House) -> None:
    async with house.at("anna") as anna, house.at("anna") as other:
        await anna.go("/account")
        await anna.page.get_by_label("Language", exact=True).select_option("zh")
        await expect(anna.page.get_by_role("heading", name="我的账号")).to_be_visible()
        await expect(other.page.get_by_role("link", name="公开聊天室")).to_be_visible()
        await anna.page.get_by_label("主题").select_option("dark")
        await expect(anna.page.locator("html")).to_have_attribute("data-theme", "dark")
        await anna.page.reload()
        document = await (await anna.page.request.get(f"{anna.url}/account")).text()
        assert 'lang="zh" data-theme="dark"' in document
        await expect(anna.page.get_by_role("heading", name="我的账号")).to_be_visible()


NARROW = {"viewport": {"width": 320, "height": 640}, "has_touch": True}


async def test_everything_fits_on_a_narrow_screen(house: House) -> None:
    await house.berta.say(house.lobby, "https://example.org/" + "x" * 300, "long")
    await house.berta.say(house.lobby, "```\n" + "a line of code that is much too long " * 5 + "\n```", "code")
    async with house.at("anna", house.lobby, **NARROW) as anna:
        room = f"/rooms/{house.lobby}"
        for path in ("/rooms", room, f"{room}/settings", "/account", "/directory", "/admin"):
            await anna.go(path)
            await expect(anna.page.locator("h1").first).to_be_visible()
            assert await anna.measure("document.documentElement.scrollWidth") <= 320, path
        await anna.go(f"/rooms/{house.lobby}")
        await anna.page.get_by_role("button", name="Show the rooms").click()
        await expect(anna.page.locator(".rail a", has_text="Lobby")).to_be_in_viewport()
        await anna.page.keyboard.press("Escape")
        await expect(anna.page.locator(".rail a", has_text="Lobby")).not_to_be_in_viewport()
        await expect(anna.page.get_by_role("button", name="Show the rooms")).to_be_focused()
        await anna.page.locator("#people-button").click()
        await expect(anna.page.locator("#people li", has_text="berta")).to_be_in_viewport()


async def test_a_line_has_an_address(house: House) -> None:
    await house.fill(120)
    target = next(line for line in await house.anna.log(house.lobby) if line["content"].get("text") == "line 10")
    async with house.at("anna") as anna:
        await anna.go(f"/rooms/{house.lobby}/{target['seq']}")
        await expect(anna.page.locator(".flashed")).to_have_text("line 10", use_inner_text=True)
        await expect(anna.page.locator(".flashed")).to_be_in_viewport()


async def test_who_has_no_session_is_led_to_the_door_and_back(house: House) -> None:
    async with screen(house.browser, house.rialto.url) as anna:
        await anna.go(f"/rooms/{house.lobby}")
        await anna.page.wait_for_url("**/login?next=**")
        await anna.page.get_by_label("Name").fill("anna")
        await anna.page.get_by_label("Password", exact=True).fill("not the password")
        await anna.page.keyboard.press("Enter")
        await expect(anna.page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
        await anna.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await anna.page.keyboard.press("Enter")
        await anna.page.wait_for_url(f"**/rooms/{house.lobby}")
        await anna.live()
        await anna.go("/account")
        await anna.page.get_by_role("button", name="Sign out", exact=True).last.click()
        await anna.page.wait_for_url("**/login")
        await anna.go("/rooms")
        await anna.page.wait_for_url("**/login?next=**")
        anna.faults = [fault for fault in anna.faults if "401" not in fault]


async def test_a_session_that_is_ended_elsewhere_ends_here(house: House) -> None:
    async with house.at("anna", house.lobby) as anna:
        sessions = (await house.anna.call("GET", "account/sessions"))["sessions"]
        for session in sessions:
            if not session["current"]:
                await house.anna.call("DELETE", f"account/sessions/{session['id']}")
        await anna.page.wait_for_url("**/login?next=**")


async def test_signing_up_making_a_room_and_finding_it(house: House) -> None:
    async with screen(house.browser, house.rialto.url) as clara, screen(house.browser, house.rialto.url) as dora:
        await clara.go("/")
        await clara.page.get_by_role("link", name="Make one").click()
        await clara.page.get_by_label("Name to sign in with").fill("Clara Bow")
        await clara.page.get_by_label("Password").fill("correct horse")
        await clara.page.get_by_role("button", name="Make account").click()
        await expect(clara.page.get_by_label("Name to sign in with")).to_have_attribute("aria-invalid", "true")
        await expect(clara.page.get_by_label("Name to sign in with")).to_be_focused()
        await clara.page.get_by_label("Name to sign in with").fill("clara")
        await clara.page.get_by_role("button", name="Make account").click()
        await expect(clara.page.get_by_text("Welcome, clara!")).to_be_visible()
        await clara.page.get_by_role("button", name="New room").click()
        await clara.page.get_by_label("Name").fill("Clara's salon")
        await clara.page.get_by_role("button", name="Make room").click()
        await clara.live()
        await clara.write("Is anybody here?")
        await dora.go("/signup")
        await dora.page.get_by_label("Name to sign in with").fill("dora")
        await dora.page.get_by_label("Password").fill("correct horse")
        await dora.page.keyboard.press("Enter")
        await dora.page.get_by_role("link", name="Public rooms", exact=True).click()
        await dora.page.get_by_label("Find a room").fill("salon")
        await dora.page.get_by_role("button", name="Join: Clara's salon").click()
        await dora.sees("Is anybody here?")
        await dora.write("I am.")
        await clara.sees("I am.")
        await expect(clara.page.locator("#people-list li")).to_have_count(2)
        clara.faults = [fault for fault in clara.faults if "status of 400" not in fault]


async def test_a_guest_is_in_the_room_in_two_clicks_and_a_used_up_link_says_so(house: House) -> None:
    async with house.at("anna", house.lobby) as anna:
        await anna.go(f"/rooms/{house.lobby}/settings")
        await anna.page.get_by_label("Can be used").select_option("1")
        await anna.page.get_by_label("Guests may come in without an account").check()
        await anna.page.get_by_role("button", name="Make an invitation link").click()
        link = await anna.page.get_by_label("Invitation link", exact=True).input_value()
        async with screen(house.browser, house.rialto.url) as guest:
            await guest.page.goto(link)
            await guest.page.get_by_label("Your name").fill("Gwen")
            await guest.page.get_by_role("button", name="Go in as a guest").click()
            await guest.live()
            await guest.write("Hello from a guest")
            await expect(guest.page.get_by_role("button", name="New room")).to_have_count(0)
            await anna.go(f"/rooms/{house.lobby}")
            await anna.sees("Hello from a guest")
        async with screen(house.browser, house.rialto.url) as late:
            await late.page.goto(link)
            await expect(late.page.get_by_role("alert")).to_be_visible()
            late.faults = [fault for fault in late.faults if "status of 410" not in fault]


async def test_a_password_is_reset_by_a_link_from_an_admin(house: House) -> None:
    async with house.at("anna") as anna, screen(house.browser, house.rialto.url) as berta:
        await anna.go("/admin")
        await anna.page.locator(".facts li", has_text="berta").get_by_role("button", name="Reset password").click()
        link = await anna.page.locator(".made input").input_value()
        await berta.page.goto(link)
        await berta.page.locator("input[type=password]").fill("another horse")
        await berta.page.get_by_role("button", name="Set password and sign in").click()
        await expect(berta.page.locator(".rail-rooms a", has_text="Lobby")).to_be_visible()


async def test_roles_take_effect_at_once_where_the_person_is(house: House) -> None:
    async with house.at("anna", house.lobby) as anna, house.at("berta", house.lobby) as berta:
        await anna.page.locator("#people-list button", has_text="berta").click()
        await anna.page.get_by_label("Role in this room").select_option("muted")
        await expect(berta.page.locator("#write")).to_be_disabled()
        await anna.page.get_by_label("Role in this room").select_option("moderator")
        await expect(berta.page.locator("#write")).to_be_enabled()
        await anna.page.get_by_role("button", name="Remove from the room").click()
        await anna.page.get_by_label("Reason").fill("testing")
        await anna.page.get_by_role("button", name="Remove berta").click()
        await expect(berta.page.locator(".rail-rooms a")).to_have_count(0)
        await expect(anna.page.locator("#lines .system").last).to_contain_text("removed berta from the room: testing")


async def test_settings_are_seen_by_others_at_once(house: House) -> None:
    async with house.at("anna") as anna, house.at("berta", house.lobby) as berta:
        await anna.go(f"/rooms/{house.lobby}/settings")
        await anna.page.get_by_label("Topic").fill("Mind the step")
        await anna.page.locator("form", has=anna.page.get_by_label("Topic")).get_by_role("button", name="Save").click()
        await expect(berta.page.locator(".head-title p")).to_have_text("Mind the step")
        await anna.page.get_by_label("Slow mode").select_option("5")
        await expect(berta.page.locator("#lines .system").last).to_contain_text("slow mode to 5 seconds")
        await anna.page.get_by_role("button", name="Archive room").click()
        await anna.page.locator("dialog").get_by_role("button", name="Archive room").click()
        await expect(berta.page.locator("#write")).to_be_disabled()


async def test_a_new_version_asks_to_reload(house: House) -> None:
    async with house.at("anna") as anna:

        async def newer(route: WebSocketRoute) -> None:
            server = route.connect_to_server()
            version = await anna.page.locator("html").get_attribute("data-version")
            assert version is not None
            server.on_message(lambda text: route.send(str(text).replace(version, "ffffffffffff")))

        await anna.page.route_web_socket("**/api/v1/socket", newer)
        await anna.page.reload()
        await expect(anna.page.get_by_text("There is a new version of this page.")).to_be_visible()
        await expect(anna.page.get_by_role("button", name="Reload")).to_be_visible()
