"""Makes the pictures of the README: ``python -m tests.support.screenshots LINK``, with what ``make demo`` prints."""

import asyncio
import sys
from pathlib import Path
from typing import Final
from urllib.parse import quote

from playwright.async_api import async_playwright

from tests.support.stock_sdk import chromium

_INTO: Final = Path(__file__).parents[2] / "docs" / "images"
_PICTOGRAPHS: Final = "\U0001f000"
_FILTER: Final = '{"all":[{"channel":["line"]},{"contacts":{"gte":4}}]}'


async def take(link: str) -> None:
    """Sign in with the link, and keep a list of customers and the reason why the first of it is one."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium())
        page = await browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        await page.goto(link)
        await page.get_by_role("button").last.click()
        await page.wait_for_url("**/console/customers")
        if await page.get_by_role("button", name="English").count():
            await page.get_by_role("button", name="English").click()
        await page.goto(f"{page.url.partition('?')[0]}?f={quote(_FILTER)}")
        await page.locator(".facets h3").first.wait_for()
        await page.screenshot(path=_INTO / "console-customers.png")
        rows = [await one.get_attribute("href") for one in await page.locator("tbody tr a").all()]
        for row in rows:  # the first whose names are all in the fonts of a server
            await page.goto(f"{link.partition('/console')[0]}{row}/identity", wait_until="load")
            if max(await page.locator("main").inner_text()) < _PICTOGRAPHS:
                break
        await page.screenshot(path=_INTO / "console-identity.png")
        await browser.close()


if __name__ == "__main__":
    _INTO.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(sys.argv[1]))
