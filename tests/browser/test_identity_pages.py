"""Who is one customer, in Chromium: decisions, the work lists, and the rules."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.support.console_customers import BROWSER, LINE, MESSENGER
from tests.support.console_pages import roll_out_policies
from tests.support.console_reader import (
    IN_BOTH_LANGUAGES,
    MEI,
    Reader,
    ServedBrand,
    choose_by_keys,
    found_by_axe,
    signed_in,
)
from tests.support.read_api import id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def contacts(reader: Reader) -> set[str]:
    found = await reader.brand.json(f"/v1/customers/{id_of(LINE)}")
    return {one["contact"] for one in found["contacts"]}


@pytest.fixture
def at_present(served_brand: ServedBrand) -> Iterator[None]:
    """Previews are of this moment, as events are: what is taken back has to be later than what was decided."""
    state = served_brand[0].app.state
    before, state.clock = state.clock, lambda: int(time.time() * 1000)
    yield
    state.clock = before


@IN_BOTH_LANGUAGES
@pytest.mark.usefixtures("at_present")
async def test_a_decision_is_previewed_parts_the_customer_and_is_taken_back(reader: Reader, language: str) -> None:
    page, say = reader.page, reader.say
    await reader.choose("language", language)
    await reader.visit(f"{MEI}/identity")
    rows = await page.locator("tbody tr").count()
    assert await page.locator("a.tie:visible").count() == rows
    await reader.enter(page.locator("a.tie:visible").first)
    await expect(page).to_have_url(re.compile("#tie-"))
    await expect(page.locator(".story")).to_contain_text(say("phone number"))
    await page.fill("#field-b", "member:nobody")
    await page.keyboard.press("Enter")
    wrong = "There is no single customer or contact of this name. Look at how it is written, then try again."
    await expect(page.get_by_role("alert")).to_have_text(say(wrong))
    await expect(page.locator("#field-b")).to_have_value("member:nobody")  # what was typed is not lost
    for place, contact in (("#different-a", LINE), ("#different-b", MESSENGER)):
        await choose_by_keys(page, place, contact)
    await reader.press("Show what would change")
    await expect(page.locator(".changes > li")).to_have_count(2)
    assert len(await contacts(reader)) == 3  # nothing happens by asking
    await expect(page.get_by_role("button", name=say("Confirm"))).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text(
        say("The decision counts now. It is an event, which another decision can take back.")
    )
    assert await contacts(reader) == {LINE, BROWSER}
    decided = page.locator("section", has=page.locator("#decided"))
    await expect(decided).to_contain_text(say("different people"))
    assert await found_by_axe(page) == []
    await reader.enter(decided.get_by_role("link", name=say("Take back…")))
    await expect(page.locator(".changes > li")).to_have_count(2)
    assert await contacts(reader) == {LINE, BROWSER}
    await expect(page.get_by_role("button", name=say("Confirm"))).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text(say("The decision is taken back."))
    assert await contacts(reader) == {LINE, BROWSER, MESSENGER}


@IN_BOTH_LANGUAGES
@pytest.mark.usefixtures("at_present")
async def test_the_work_list_is_decided_by_keys_and_members_are_merged_and_parted_again(
    reader: Reader, language: str
) -> None:
    page, say = reader.page, reader.say
    await reader.choose("language", language)
    await reader.visit("/console/identity/candidates")
    await page.keyboard.press("j")
    await page.keyboard.press("s")
    await page.wait_for_url("**/decision?**decision=same**")
    await expect(page.get_by_role("button", name=say("Confirm"))).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(say("Merge member IDs"))  # two member ids are one by a merge only
    await reader.press("Confirm")
    await expect(page.locator(".notice")).to_contain_text(
        say("The member IDs are one now. It is an event, which can be taken back.")
    )
    merged = await reader.brand.json("/v1/customers/member:M20")
    assert len(merged["contacts"]) == 2
    await reader.visit("/console/identity/merges")
    assert await found_by_axe(page) == []
    await page.keyboard.press("j")
    await page.keyboard.press("t")
    await expect(page.locator("h1")).to_have_text(say("Take the merge back"))
    await expect(page.locator(".changes > li")).to_have_count(2)
    await expect(page.get_by_role("button", name=say("Confirm"))).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text(say("The merge is taken back: the member IDs are two again."))
    await expect(page.locator("[data-worklist] > li").first).to_be_focused()  # and so it goes on
    parted = await reader.brand.json("/v1/customers/member:M20")
    assert len(parted["contacts"]) == 1
    await reader.visit("/console/identity/decisions")
    await expect(page.locator("h1")).to_have_text(say("Decisions"))


async def test_rules_are_changed_and_taken_back_by_keyboard_alone(served_brand: ServedBrand) -> None:
    async with signed_in(*served_brand, "admin of other") as reader:
        await reader.choose("language", "zh-Hant")
        await reader.visit("/console/rules")
        await _fill_in_rules(reader.page)
        await _adopt_rules(reader)
        await reader.choose("language", "en")
        await reader.choose("theme", "dark")
        await reader.visit("/console/rules")
        await _go_back_to_the_default_rules(reader)


async def _fill_in_rules(page: Page) -> None:
    limit, claimed = '[name="types.email.limit"]', '[name="types.email.claimed"]'
    await page.focus(limit)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("0")
    await page.focus(claimed)
    await page.keyboard.press("Home")  # no link
    await page.keyboard.press("Enter")
    await page.focus("#new_type")
    await page.keyboard.type("x_card")
    await page.keyboard.press("Enter")
    await expect(page.locator('[name="types.x_card.limit"]')).to_have_value("10")
    await page.focus(limit)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("電子郵件・人數上限")
    await expect(page.locator(limit)).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(claimed)).to_have_value("")  # nothing that was typed is lost
    assert await found_by_axe(page) == []
    await page.focus(limit)
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")


async def _adopt_rules(reader: Reader) -> None:
    page = reader.page
    await expect(page.locator(".figures")).to_contain_text("1 → 2")
    await expect(page.locator(".examples")).to_contain_text("一位有 2 個聯絡人的顧客會拆成 2 位")
    await expect(page.locator(".bullets")).to_contain_text("從「等級 4」改為「沒有連結」")
    await page.set_viewport_size({"width": 390, "height": 900})
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert await found_by_axe(page) == []
    await page.focus("#field-note")
    await page.keyboard.type("<b>families</b>")
    await page.keyboard.press("Enter")
    await expect(page.locator(".versions")).to_contain_text("採用中")
    assert len(await _contacts_of_other(reader)) == 2  # by the rules before, until all is resolved
    await roll_out_policies(reader.brand)
    await expect(page.locator(".versions > li").first).to_contain_text("使用中")  # the page found out itself
    await expect(page.locator(".versions")).to_contain_text("<b>families</b>")
    assert len(await _contacts_of_other(reader)) == 1


async def _go_back_to_the_default_rules(reader: Reader) -> None:
    page = reader.page
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert await found_by_axe(page) == []
    await page.get_by_role("link", name="Go back to it… The default rules").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Back to the default rules")
    await expect(page.locator(".examples")).to_contain_text("2 customers become one of 2 contacts")
    await page.get_by_role("button", name="Adopt these rules").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".versions")).to_contain_text("being adopted")
    await roll_out_policies(reader.brand)
    await expect(page.locator(".versions > li").first).to_contain_text("in force")
    assert len(await _contacts_of_other(reader)) == 2


async def _contacts_of_other(reader: Reader) -> list[str]:
    return [
        one["contact"] for one in (await reader.brand.json("/v1/customers/contact:web:shop:v1", "other"))["contacts"]
    ]
