"""A real Chromium before a real Onefold, and a website of another origin between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from schemas.events import Event
from services.control import write_keys
from tests.support import stock_sdk as stock
from tests.support.ingress import RunningIngress
from tests.support.serving import served


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    path = stock.chromium()
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path)
        yield launched
        await launched.close()


@dataclass
class Website:
    """A shop's website, which tells Onefold what its visitors do."""

    address: str
    onefold: str
    write_key: str
    page: Page
    ingress: RunningIngress
    _html: dict[str, str]

    async def show(self, html: str, path: str = "shop") -> None:
        """Publish a page and visit it."""
        self._html[path] = html
        await self.page.goto(f"http://{self.address}/{path}")

    async def events(self, at_least: int) -> list[Event]:
        """What is in the log as soon as it is so much; what two requests said at the same time is there twice."""
        async with asyncio.timeout(240):
            while len(found := {event.event_id: event for _, event in await self.ingress.log()}) < at_least:
                await asyncio.sleep(0.2)
        return list(found.values())


@pytest.fixture
async def website(ingress: RunningIngress, browser: Browser) -> AsyncIterator[Website]:
    """A website whose pages may load Segment's and RudderStack's SDKs from itself."""
    bundles = stock.package("@segment/analytics-next") / "dist" / "umd"
    rudderstack = stock.package("@rudderstack/analytics-js") / "dist" / "npm" / "modern" / "bundled" / "umd"
    html: dict[str, str] = {}

    async def page_of(request: Request) -> Response:
        return HTMLResponse(html.get(request.path_params["name"], "<title>nothing here</title>"))

    sdks = [Mount("/sdk", StaticFiles(directory=bundles)), Mount("/rudderstack", StaticFiles(directory=rudderstack))]
    app = Starlette(routes=[*sdks, Route("/{name}", page_of)])
    write_key = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    async with served(ingress.app) as onefold, served(app) as address:
        page = await browser.new_page(locale="zh-TW")
        yield Website(address, onefold, write_key, page, ingress, html)
        await page.close()
