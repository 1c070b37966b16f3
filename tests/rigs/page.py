"""The page in a real browser: opened as a person would, and watched for everything that goes wrong in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Error, Page, expect

VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error("policy: " + event.violatedDirective + " " + event.blockedURI);
});
"""
AWAY = re.compile(r"WebSocket connection to|ERR_(CONNECTION|INTERNET|NETWORK|EMPTY|SOCKET)|status of (429|50[23])")
"""What a browser says when the server is away: not the page's fault."""


class Screen:
    """One browser window with the page in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", self._broke)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not AWAY.search(message.text):
            self.faults.append(message.text)

    def _broke(self, error: Error) -> None:
        self.faults.append(str(error))

    async def go(self, path: str) -> None:
        """Open an address of the page anew."""
        await self.page.goto(self.url + path)

    async def sign_in(self, name: str, password: str) -> None:
        """Sign in at the door."""
        await self.go("/login")
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await self.page.wait_for_url("**/rooms")

    async def token(self, token: str) -> None:
        """Sign in with the token of a session that was made elsewhere."""
        await self.page.context.add_cookies([{"name": "rialto_session", "value": token, "url": self.url}])

    async def enter(self, room: str) -> None:
        """Go to a room by its name in the list at the side, and wait until its lines are told."""
        await self.page.locator(".rail-rooms a", has_text=room).click()
        await self.live()

    async def live(self) -> None:
        """Wait until the room in view is told line by line."""
        await expect(self.page.locator("#scroller")).to_have_attribute("aria-busy", "false")

    async def write(self, text: str) -> None:
        """Type a line and send it with Enter."""
        await self.page.locator("#write").fill(text)
        await self.page.locator("#write").press("Enter")

    async def sees(self, text: str) -> None:
        """Wait for a line that is in the log."""
        await expect(self.page.locator("#lines [data-seq] .content", has_text=text).first).to_be_visible()

    async def lines(self) -> list[str]:
        """Return what is said in the room, from the first line shown to the last, unsent ones too."""
        found: list[str] = await self.page.locator("#lines .said .content").all_inner_texts()
        return found

    async def shows(self, wanted: list[str], seconds: float = 60) -> None:
        """Wait until exactly these lines are shown, in this order, and none waits to be sent."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = await self.lines()
                    if seen == wanted and not await self.page.locator("[data-unsent]").count():
                        return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            missing = [text for text in wanted if text not in seen]
            twice = sorted({text for text in seen if seen.count(text) > 1})
            raise AssertionError(f"missing: {missing}; twice: {twice}; {len(seen)} of {len(wanted)} lines") from None

    async def scroll(self, top: float) -> None:
        """Scroll the lines to a place, as a wheel would."""
        await self.page.evaluate("(top) => { document.getElementById('scroller').scrollTop = top }", top)

    async def measure(self, expression: str) -> Any:
        """Evaluate something on the page."""
        return await self.page.evaluate(expression)


@asynccontextmanager
async def screen(running: Browser, url: str, **options: Any) -> AsyncIterator[Screen]:
    """Open a window of its own (cookies, storage); at the end, whatever its console complained of fails the test."""
    context = await running.new_context(**{"locale": "en-GB", **options})
    await context.add_init_script(VIOLATIONS)
    made = Screen(await context.new_page(), url)
    try:
        yield made
        assert made.faults == []
    finally:
        await context.close()
