"""A real Chromium before a real Onefold, and a website of another origin between them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from schemas.events import Event
from services.control import write_keys
from services.runtime.settings import Settings
from tests.support import servers
from tests.support import stock_sdk as stock
from tests.support.console_pages import open_pages
from tests.support.console_reader import WITHIN, Reader, ServedBrand, signed_in
from tests.support.ingress import RunningIngress
from tests.support.read_api import MASTER
from tests.support.serving import served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served_brand(kafka: str, postgres: servers.SharedPostgres) -> AsyncIterator[ServedBrand]:
    """A brand with customers, the address of its console, and a Chromium: one for all tests of a process."""
    async with (
        servers.fresh_database(postgres, servers.TEMPLATE_WITH_READ_MODELS) as database,
        open_pages(_settings(database, kafka)) as brand,
        served(brand.app) as address,
        async_playwright() as playwright,
    ):
        launched = await playwright.chromium.launch(executable_path=stock.chromium())
        yield brand, address, launched
        await launched.close()


def _settings(database: str, kafka: str) -> Settings:
    prefix = f"t-{uuid.uuid4().hex[:10]}"
    return Settings(database=database, secret_key=SecretStr(MASTER), kafka=kafka, topic_prefix=prefix, ack_timeout=60)


@pytest_asyncio.fixture(loop_scope="session")
async def reader(served_brand: ServedBrand) -> AsyncIterator[Reader]:
    """Somebody who signed in with a key that may do everything."""
    async with signed_in(*served_brand, "admin") as somebody:
        yield somebody


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
        page.set_default_timeout(WITHIN)
        yield Website(address, onefold, write_key, page, ingress, html)
        await page.close()
