"""Take a picture of every view of the page: wide and narrow, light and dark, in both languages, into screenshots/.

`python scripts/screenshots.py [VIEW ...]` runs a real server beside the fake homeserver of the tests, lets people talk,
and looks at it with Chromium. What a console complains of is printed, and ends it with 1.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.rigs.browser import browser  # noqa: E402
from tests.rigs.page import Screen, screen  # noqa: E402
from tests.rigs.town import Town, town  # noqa: E402

FOLDER = ROOT / "screenshots"
SIZES = {"wide": (1280, 800), "narrow": (320, 640)}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


async def outside(at: Screen, town: Town, view: str) -> None:
    """Go to a view that needs no session."""
    await at.go(town.doors[view])
    await at.page.locator("h1").wait_for()


async def inside(at: Screen, town: Town, view: str) -> None:
    """Go to a view of somebody who is signed in."""
    path, press = town.views[view]
    size = at.page.viewport_size
    narrow = size is not None and size["width"] < 700
    if press.startswith("narrow "):
        press = press.removeprefix("narrow ") if narrow else ""
    await at.go(path)
    await at.page.locator("h1").first.wait_for()
    await at.page.wait_for_timeout(400)
    if press:
        # A button may be in a drawer of a narrow page.
        button = at.page.locator(press).first
        if not await button.is_visible():
            await at.page.locator("#people-button" if press.startswith("#people") else ".menu-button").click()
        await button.click()
    await at.page.wait_for_timeout(300)


async def take(running: Browser, made: Town, wanted: list[str]) -> list[str]:
    """Take all pictures; return what the consoles complained of."""
    faults: list[str] = []
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            for language, locale in LOCALES.items():
                options: dict[str, Any] = {
                    "viewport": {"width": width, "height": height},
                    "color_scheme": theme,
                    "locale": locale,
                    "has_touch": size == "narrow",
                }
                for views, go, name in ((made.doors, outside, ""), (made.views, inside, "nina")):
                    async with screen(running, made.rialto.url, **options) as at:
                        if name:
                            await at.token(made.users[name].headers["Authorization"].removeprefix("Bearer "))
                        for view in views:
                            if not wanted or view in wanted:
                                await go(at, made, view)
                                await at.page.screenshot(path=FOLDER / f"{view}-{size}-{theme}-{language}.png")
                        # Two of the views are of what is not there.
                        faults += [fault for fault in at.faults if "status of 404" not in fault]
                        at.faults.clear()
    return faults


async def main(wanted: list[str]) -> int:
    """Run the server and take the pictures; return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with town(Path(folder)) as made, browser() as running:
            faults = await take(running, made, wanted)
    for fault in faults:
        print(fault)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
