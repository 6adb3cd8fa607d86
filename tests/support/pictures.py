"""Pictures of pages for people to look at, kept in the folder that ``ONEFOLD_TEST_ARTEFACTS`` names."""

import os
from pathlib import Path
from typing import Final

from playwright.async_api import Page

VARIABLE: Final = "ONEFOLD_TEST_ARTEFACTS"
_COMBINATIONS: Final = (
    ("zh-Hant", "light", 1440),
    ("zh-Hant", "dark", 390),
    ("en", "dark", 1440),
    ("en", "light", 390),
)


async def keep_pictures(page: Page, url: str, name: str) -> None:
    """Keep pictures of the page at an address, in each language, theme and width, if there is a folder for them."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    console = f"{url.partition('/console')[0]}/console"
    for language, theme, width in _COMBINATIONS:
        for preference, value in (("language", language), ("theme", theme)):
            await page.context.clear_cookies(name=f"onefold_{preference}")
            await page.context.add_cookies([{"name": f"onefold_{preference}", "value": value, "url": console}])
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(url, wait_until="load")
        await page.screenshot(path=Path(folder) / f"{name}-{language}-{theme}-{width}.png", full_page=True)
