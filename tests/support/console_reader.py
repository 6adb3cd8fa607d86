"""Somebody who reads the console in a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from services.console.core.words import language_of
from services.console.http.rendering import translations
from tests.support import stock_sdk as stock
from tests.support.console_customers import LINE
from tests.support.read_api import Brand, id_of

MEI = f"/console/customers/{id_of(LINE)}"
WIDTHS = (1440, 390)
WITHIN = 120_000  # ms
expect.set_options(timeout=WITHIN)
ServedBrand = tuple[Brand, str, Browser]
IN_BOTH_LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-Hant"])
_VIOLATIONS = """async () => {
  const page = document.documentElement, chosen = page.dataset.theme, found = [];
  for (const theme of ["light", "dark"]) {
    page.dataset.theme = theme;
    for (const one of (await axe.run()).violations) found.push([theme, one.id, one.nodes.map(node => node.html)]);
  }
  page.dataset.theme = chosen;
  return found;
}"""


@dataclass
class Reader:
    """Somebody who is signed in."""

    page: Page
    address: str
    brand: Brand
    requests: set[str]
    language: str = "zh-Hant"

    async def visit(self, path: str) -> None:
        """Open a page of the console."""
        answer = await self.page.goto(f"http://{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, await self.page.inner_text("body")

    async def choose(self, name: str, value: str) -> None:
        """Keep a preference, as its button does."""
        if name == "language":
            self.language = value
        cookie = {"name": f"onefold_{name}", "value": value, "url": f"http://{self.address}/console"}
        await self.page.context.add_cookies([cookie])  # type: ignore[list-item]  # it has what a cookie needs

    def say(self, sentence: str) -> str:
        """A sentence of the console in the language that was chosen."""
        return translations(language_of(self.language)).gettext(sentence)

    async def press(self, name: str, kind: Literal["button", "link"] = "button") -> None:
        """Press a button or follow a link without a mouse; ``name`` is its text in English."""
        await self.enter(self.page.get_by_role(kind, name=self.say(name), exact=True).first)

    async def enter(self, place: Locator) -> None:
        """Go to a part of the page, and press Enter there."""
        await place.focus()
        await self.page.keyboard.press("Enter")


async def choose_by_keys(page: Page, place: str, value: str) -> None:
    """Go through a list of choices with the arrow keys until the one of that value is chosen."""
    await page.focus(place)
    await page.keyboard.press("Home")
    while await page.locator(place).input_value() != value:
        await page.keyboard.press("ArrowDown")


@asynccontextmanager
async def signed_in(brand: Brand, address: str, browser: Browser, key: str) -> AsyncIterator[Reader]:
    """A browser of its own, signed in with one of the brand's keys."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = await context.new_page()
    page.set_default_timeout(WITHIN)
    requests: set[str] = set()
    page.on("request", lambda request: requests.add(request.url))
    await page.goto(f"http://{address}/console/sign-in")
    await page.fill("[name=key]", brand.keys[key])
    await page.press("[name=key]", "Enter")
    await page.wait_for_url("**/console/customers*")
    yield Reader(page, address, brand, requests)
    await context.close()


async def found_by_axe(page: Page) -> list[str]:
    """The rules of axe-core that the page breaks, in the light and in the dark theme, with what breaks them."""
    await page.evaluate((stock.package("axe-core") / "axe.min.js").read_text())
    found: list[str] = await page.evaluate(_VIOLATIONS)
    return found
