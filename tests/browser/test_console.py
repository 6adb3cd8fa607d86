"""The console in a real Chromium, as people use it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import quote

import orjson
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from pydantic import SecretStr

from services.console.core.roles import ROLES, SCOPES_OF
from services.control.console_sessions import add_link
from services.runtime.settings import Settings
from tests.support import stock_sdk as stock
from tests.support.console import MEI, SCRIPT, WANG, open_console
from tests.support.console_reader import WITHIN
from tests.support.contact_records import event
from tests.support.pictures import keep_pictures
from tests.support.read_api import MASTER, Brand, id_of
from tests.support.serving import served

NESTED = {
    "all": [
        {"channel": ["line"]},
        {"not": {"tag": "x"}},
        {"any": [{"tag": "vip"}, {"last_customer": {"since": "-30d"}}]},
        {"same_contact": {"all": [{"subscribed": True}]}},
    ]
}


@pytest.fixture
async def console(database_with_read_models: str) -> AsyncIterator[tuple[Brand, str]]:
    settings = Settings(database=database_with_read_models, secret_key=SecretStr(MASTER))
    async with open_console(settings) as brand, served(brand.app) as address:
        yield brand, f"http://{address}/console"


@asynccontextmanager
async def a_reader(browser: Browser, base: str, language: str = "en") -> AsyncIterator[tuple[BrowserContext, Page]]:
    """A browser of its own, of which each request is noted; none may go elsewhere."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WITHIN)
    await context.add_cookies([{"name": "onefold_language", "value": language, "url": f"{base}/customers"}])
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        yield context, page
        assert [url for url in asked if not url.startswith(base)] == []
    finally:
        await context.close()


async def sign_in(page: Page, base: str, key: str) -> None:
    await page.goto(f"{base}/customers")
    await page.fill("[name=key]", key)
    await page.press("[name=key]", "Enter")
    await page.wait_for_url("**/console/customers")


async def found_by_axe(page: Page) -> list[str]:
    """The rules of axe-core that the page breaks."""
    await page.evaluate((stock.package("axe-core") / "axe.min.js").read_text())
    broken = await page.evaluate("axe.run()")
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in broken["violations"]]


async def test_people_sign_in_find_customers_and_sign_out(console: tuple[Brand, str], browser: Browser) -> None:
    brand, base = console
    async with a_reader(browser, base, "zh-Hant") as (_, page):
        await sign_in(page, base, brand.keys["demo"])
        await expect(page.locator("h1")).to_have_text("顧客")
        await expect(page.locator(".quota")).to_contain_text("3 / 4")
        await expect(page.locator("tbody tr")).to_have_count(3)
        # what customers are called never runs
        await expect(page.get_by_role("link", name=SCRIPT)).to_be_visible()
        await expect(page.locator(".facets")).to_contain_text("onerror")
        assert "ran" not in await page.title()
        # a condition, by the keyboard alone
        await page.get_by_role("link", name="+ 條件").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#field-field")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#field-value")).to_be_focused()
        await page.keyboard.type("vip")
        await expect(page.locator("#count-while-building")).to_have_text(re.compile("1"))
        await page.keyboard.press("Enter")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator(".chip")).to_contain_text("vip")
        assert quote('{"tag":"vip"}').lower() in page.url.lower()
        # by the mouse: its opposite, and away with it
        await page.locator(".chip").get_by_role("link", name="非 標籤").click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.locator(".chip").get_by_role("link", name="移除").click()
        await expect(page.locator("tbody tr")).to_have_count(3)
        await page.get_by_role("button", name="English").click()
        await expect(page.locator("h1")).to_have_text("Customers")
        await page.locator("summary", has_text="demo").click()
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await page.wait_for_url(re.compile(r"/sign-in\?signed_out=1"))
        await page.goto(f"{base}/customers")
        await expect(page.locator("[name=key]")).to_be_visible()


async def test_axe_finds_nothing_in_either_theme_and_no_page_is_too_wide(
    console: tuple[Brand, str], browser: Browser
) -> None:
    brand, base = console
    nested = quote(orjson.dumps(NESTED))
    async with a_reader(browser, base) as (_, page):
        await page.goto(f"{base}/sign-in")
        assert await found_by_axe(page) == []
        await sign_in(page, base, brand.keys["demo"])
        building = f"customers?f={nested}&at=root&field=channel"
        shown: tuple[tuple[str, Literal["light", "dark"], int], ...] = (
            ("customers", "light", 1440),
            (building, "dark", 390),
            ("bulk-actions?do=untag&tag=vip", "light", 390),
            ("exports/new?rows=contacts", "dark", 390),
            ("quota", "dark", 390),
            ("segments", "light", 390),
        )
        for path, theme, width in shown:
            await page.emulate_media(color_scheme=theme)
            await page.set_viewport_size({"width": width, "height": 900})
            await page.goto(f"{base}/{path}", wait_until="load")
            if path.startswith("customers"):
                await expect(page.locator(".facets h3").first).to_be_attached()
            assert (path, theme, await found_by_axe(page)) == (path, theme, [])
            wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert (path, theme, await page.evaluate(wide)) == (path, theme, False)
            await keep_pictures(page, f"{base}/{path}", path.partition("?")[0])


async def test_all_that_match_change_after_a_preview_and_only_for_whom_may(
    console: tuple[Brand, str], browser: Browser
) -> None:
    brand, base = console
    buttons = {
        "viewer": set(),
        "agent": set(),
        "marketer": {"Change all", "Change chosen", "Export", "Export chosen", "Save as segment"},
    }
    for role in ROLES[:3]:
        secret = await add_link(brand.engine, "demo", SCOPES_OF[role], role)
        async with a_reader(browser, base) as (context, page):
            await page.goto(f"{base}/link/{secret}")
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url("**/console/customers")
            await page.goto(f"{base}/customers?channel=line")
            await expect(page.locator("tbody tr")).to_have_count(2)
            texts = await page.locator("main .button").all_inner_texts()
            assert {text.strip() for text in texts} & set().union(*buttons.values()) == buttons[role]
            if role != "marketer":
                refused = await context.request.get(f"{base}/bulk-actions?do=untag&tag=vip")
                assert refused.status == 403
                continue
            await _exports_by_keyboard(page)
            await page.goto(f"{base}/customers?channel=line")
            await page.get_by_role("button", name="Change chosen").click()
            await expect(page.get_by_role("alert")).to_contain_text("Choose customers first")
            await page.get_by_label("All on this page").check()
            await expect(page.locator("[data-ticked]")).to_have_text("2 chosen")
            await page.get_by_role("button", name="Change chosen").click()
            await expect(page.locator("h1")).to_have_text("Change all that match")
            await page.select_option("#field-do", "untag")
            await page.fill("#field-tag", "vip")
            await page.get_by_role("button", name="See what would change").click()
            await expect(page.locator("h2", has_text="1 customer would change")).to_be_visible()
            await page.get_by_role("button", name="Change 1 customer").click()
            await page.wait_for_url("**/console/jobs/*")
            await expect(page.locator("h1")).to_have_text("Remove a tag")
            theirs = page.url
    secret = await add_link(brand.engine, "other", ["admin"], "amy")
    async with a_reader(browser, base) as (context, page):
        await page.goto(f"{base}/link/{secret}")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/console/customers")
        for path in (theirs, f"{base}/customers/{id_of(MEI)}", f"{base}/customers/{id_of(MEI)}/identity"):
            assert (await context.request.get(path)).status == 404


async def test_a_list_is_updated_in_place_and_new_rows_come_when_asked_for(
    console: tuple[Brand, str], browser: Browser
) -> None:
    brand, base = console
    look = "document.dispatchEvent(new Event('visibilitychange'))"  # as when a reader comes back to the page
    async with a_reader(browser, base) as (_, page):
        await sign_in(page, base, brand.keys["demo"])
        row = page.locator("tbody tr", has_text="王大明")
        await row.get_by_role("link").focus()
        names = await page.locator("tbody .person a").all_inner_texts()
        await brand.fold(
            event("tag.added", 14, contact=WANG, tag="回購", source="manual"),
            event("contact.followed", 15, contact="line:oa1:U3"),
            event("profile.updated", 16, contact="line:oa1:U3", display_name="新朋友"),
        )
        await brand.compose()
        await page.evaluate(look)
        await expect(row).to_contain_text("回購")
        assert await page.locator("tbody .person a").all_inner_texts() == names
        await expect(row.get_by_role("link")).to_be_focused()
        await page.get_by_role("status").get_by_role("button", name="1 new or changed: show").click()
        await expect(page.locator("tbody tr", has_text="新朋友")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(4)
        await expect(page.locator("[data-live-part=total]")).to_contain_text("4")
        await page.evaluate(look)
        await expect(page.get_by_role("button", name="new or changed")).to_be_hidden()
        await page.evaluate("document.querySelector('[data-live-stream]').dataset.liveEvery = '0'")
        for is_away in (True, False):  # the page says that it may be old, as long as it may be
            await page.context.set_offline(is_away)
            await page.evaluate(look)
            await expect(page.locator("#part-problem")).to_have_text(re.compile("^Onefold can't" if is_away else "^$"))
        await page.context.clear_cookies(name="onefold_session")
        await page.evaluate(look)
        await expect(page.get_by_role("alert")).to_contain_text("You are no longer signed in.")


async def _exports_by_keyboard(page: Page) -> None:
    """Choose one row, see the number of rows, and start the export, without a mouse."""
    tick = page.locator("tbody tr").first.get_by_role("checkbox")
    await tick.focus()
    await page.keyboard.press("Space")
    await expect(page.locator("[data-ticked]")).to_have_text("1 chosen")
    await page.get_by_role("button", name="Export chosen").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#rows-of-export")).to_have_text("The file has 1 row.")
    assert await found_by_axe(page) == []
    await page.get_by_role("button", name="Start the export").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/jobs/*")
    await expect(page.locator("h1")).to_have_text("Export")


async def test_a_chip_is_changed_from_what_it_asks(console: tuple[Brand, str], browser: Browser) -> None:
    brand, base = console
    async with a_reader(browser, base) as (_, page):
        await sign_in(page, base, brand.keys["demo"])
        await page.locator(".facets").get_by_role("link", name=re.compile("^12 ")).click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator(".chip")).to_contain_text("is 12")
        await page.locator(".chip").get_by_role("link", name="change").click()
        await expect(page.locator("#field-attribute")).to_have_value("points")
        await expect(page.locator("#field-value")).to_have_value("12")
        await page.select_option("#field-operator", "gte")
        await page.fill("#field-value", "13")
        await page.get_by_role("button", name="Change", exact=True).click()
        await expect(page.locator(".chip")).to_contain_text("at least 13")
        await expect(page.locator("h2", has_text="No customer matches")).to_be_visible()


async def test_a_link_signs_in_once_and_other_websites_change_nothing(
    console: tuple[Brand, str], browser: Browser
) -> None:
    brand, base = console
    secret = await add_link(brand.engine, "other", ["customers:read"], "amy")
    async with a_reader(browser, base) as (context, page):
        await page.goto(f"{base}/link/{secret}")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("h2", has_text="There are no customers yet")).to_be_visible()  # demo has some
        cookie = next(one for one in await context.cookies(f"{base}/x") if one["name"] == "onefold_session")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        own = {"origin": base.removesuffix("/console")}
        for headers in ({"origin": "http://evil.example"}, {}, own):  # the last one lacks the token
            refused = await context.request.post(f"{base}/sign-out", headers=headers)
            assert refused.status == 403
        await page.goto(f"{base}/customers")
        await expect(page.locator("h1")).to_have_text("Customers")
    async with a_reader(browser, base) as (_, page):
        await page.goto(f"{base}/link/{secret}")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("used already")
