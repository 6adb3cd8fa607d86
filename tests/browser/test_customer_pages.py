"""The pages of one customer in Chromium: profile, conversation, time machine; and what nobody else may do there."""

import re

import pytest
from playwright.async_api import expect

from tests.support.console_customers import LINE, MESSAGES, MESSENGER, SCRIPT
from tests.support.console_reader import (
    IN_BOTH_LANGUAGES,
    MEI,
    WIDTHS,
    Reader,
    ServedBrand,
    found_by_axe,
    signed_in,
)
from tests.support.contact_records import event
from tests.support.pictures import keep_pictures
from tests.support.read_api import id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = {
    "profile": MEI,
    "contact": f"{MEI}?contact={MESSENGER}",
    "past": f"{MEI}?as_of=2025-01-03",
    "conversation": f"{MEI}/conversation?show=all",
    "identity": f"{MEI}/identity",
    "unsubscribe": f"{MEI}/unsubscribe?contact={LINE}",
    "preview": f"/console/identity/decision?a={LINE}&b={MESSENGER}&decision=different",
    "candidates": "/console/identity/candidates",
    "conflicts": "/console/identity/conflicts",
    "erase": f"{MEI}/erase",
    "erasures": "/console/erasures",
    "access": "/console/access",
}


async def test_each_page_is_accessible_fits_and_runs_no_script_of_a_customer(reader: Reader) -> None:
    await reader.choose("language", "en")
    shown = ""
    for name, path in PAGES.items():
        for width in WIDTHS:
            await reader.page.set_viewport_size({"width": width, "height": 900})
            await reader.visit(path)
            assert await reader.page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert await found_by_axe(reader.page) == [], name
        await keep_pictures(reader.page, f"http://{reader.address}{path}", name)
        assert await reader.page.title() not in {"taken", ""}, name
        shown += await reader.page.content()
    assert SCRIPT not in shown
    assert "javascript:" not in shown
    hosts = {url.split("/")[2] for url in reader.requests}
    assert hosts == {reader.address}


async def test_the_profile_says_where_things_come_from_and_an_event_opens_in_the_conversation(reader: Reader) -> None:
    page = reader.page
    await reader.visit(f"/console/customers/contact:{LINE}")
    await expect(page).to_have_url(re.compile(re.escape(MEI)))  # it has one address, whatever it is asked for by
    await expect(page.locator("h1")).to_have_text("林小美")
    tags = page.locator("section", has=page.locator("#tags"))
    await expect(tags).to_contain_text("新品通知")
    await expect(tags).to_contain_text("\N{MULTIPLICATION SIGN}2")
    await tags.get_by_role("link", name="關鍵字回覆").click()
    await expect(page.locator("#event")).to_be_focused()
    await expect(page.locator("#event")).to_contain_text("新品通知")


async def test_a_long_name_takes_two_lines_and_opens_as_a_whole(reader: Reader) -> None:
    contact, name = "line:oa1:Ulong", "歐陽娜娜司馬相如" * 25
    await reader.brand.fold(event("profile.updated", 1, contact=contact, display_name=name))
    for width in WIDTHS:
        await reader.page.set_viewport_size({"width": width, "height": 900})
        await reader.visit(f"/console/customers/{id_of(contact)}")
        lines = "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
        assert round(await reader.page.locator("h1").evaluate(lines)) == 2, width
        whole = reader.page.locator("details", has_text=reader.say("The whole name"))
        await expect(whole.locator("bdi")).to_be_hidden()
        await whole.locator("summary").press("Enter")
        await expect(whole.locator("bdi")).to_have_text(name)
        assert await reader.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_conversation_is_read_to_its_beginning_and_back(reader: Reader) -> None:
    page = reader.page
    await reader.visit(f"{MEI}/conversation?contact={LINE}")
    bubbles = page.locator(".bubble")
    await expect(bubbles.last).to_be_in_viewport()
    assert await bubbles.count() < MESSAGES
    await expect(bubbles.last).to_contain_text(f"({MESSAGES - 1})")
    await page.locator("#more-older").scroll_into_view_if_needed()
    await expect(bubbles).to_have_count(MESSAGES)
    await expect(bubbles.first).to_contain_text("(0)")
    await expect(page.locator(".bubble.team").first).to_contain_text("Amy")
    await reader.visit(f"{MEI}/conversation?contact={LINE}&event=message-2&show=messages")
    await expect(page.locator("#event")).to_contain_text("(2)")
    await page.locator("#more-newer a").click()
    await expect(bubbles).to_have_count(MESSAGES)


@IN_BOTH_LANGUAGES
async def test_kinds_of_marketing_are_refused_in_a_dialog_by_keyboard_alone(reader: Reader, language: str) -> None:
    page, say, contact = reader.page, reader.say, f"line:oa-taipei:Ukinds-{language}"
    await reader.brand.fold(event("contact.followed", 1, contact=contact))
    await reader.choose("language", language)
    await reader.visit(f"/console/customers/{id_of(contact)}")
    await reader.press("Unsubscribe", "link")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(say("What the contact no longer gets"))
    await expect(dialog.get_by_label(say("Broadcasts"))).to_be_focused()
    assert not await found_by_axe(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("link", name=say("Unsubscribe"))).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label(say("Broadcasts"))).to_be_focused()
    await dialog.get_by_label(say("Cart reminders")).focus()
    await page.keyboard.press("Space")
    await reader.enter(dialog.get_by_role("button", name=say("Unsubscribe")))
    await expect(page.locator(".notice")).to_contain_text(
        say("The contact is unsubscribed from the kinds that you chose.")
    )
    known = await reader.brand.json(f"/v1/contacts/{contact.replace(':', '/')}")
    allowed = [known["consents"][kind]["allowed"] for kind in ("broadcast", "web_push", "cart_remarketing")]
    assert allowed == [False, False, True]


@IN_BOTH_LANGUAGES
async def test_a_day_in_the_past_is_shown_and_can_not_be_changed(reader: Reader, language: str) -> None:
    page, say = reader.page, reader.say
    await reader.choose("language", language)
    await reader.visit(f"{MEI}?as_of=2025-01-03")
    await expect(page.locator(".notice")).to_contain_text(say("As of %(day)s") % {"day": "2025-01-03"})
    await expect(page.locator("main")).to_contain_text(say("none known"))  # the phone came later
    await expect(page.get_by_role("link", name=say("Unsubscribe"))).to_have_count(0)
    await page.focus("#day")
    for _ in range(2):
        await page.keyboard.press("ArrowRight")
    await reader.press("Show")
    await expect(page.locator(".notice")).to_contain_text(say("As of %(day)s") % {"day": "2025-01-05"})

    await page.goto(page.url.replace("2025-01-05", "2020-01-01"))
    await expect(page.locator("h1")).to_have_text(say("Not known yet on %(day)s") % {"day": "2020-01-01"})
    await page.locator("main a", has_text=say("As of %(day)s").partition("%")[0].strip()).click()
    await expect(page.locator(".notice")).to_contain_text(say("As of %(day)s").partition("%")[0].strip())


async def test_who_may_only_read_can_neither_see_the_commands_nor_send_them(
    served_brand: ServedBrand,
) -> None:
    async with signed_in(*served_brand, "viewer") as viewer:
        await viewer.visit(f"{MEI}?contact={LINE}")
        await expect(viewer.page.locator("h1")).to_be_visible()
        await expect(viewer.page.locator("a[href*='/unsubscribe']")).to_have_count(0)
        token = await viewer.page.locator("[name=csrf_token]").first.get_attribute("value")
        sent: dict[str, str | float | bool] = {"csrf_token": token or "", "contact": LINE, "kind": "broadcast"}
        headers = {"Origin": f"http://{viewer.address}"}
        rules = [f"/console/rules/{one}" for one in ("form", "check", "preview", "adopt")]
        for path in (f"{MEI}/unsubscribe", "/console/identity/decision", "/console/identity/merge", *rules):
            answer = await viewer.page.request.post(f"http://{viewer.address}{path}", form=sent, headers=headers)
            assert answer.status == 403, path
        await viewer.visit("/console/rules")
        await expect(viewer.page.locator('[name="types.phone.limit"]')).to_be_disabled()
        await expect(viewer.page.get_by_role("button", name=re.compile("預覽"))).to_have_count(0)


async def test_a_command_without_the_token_of_the_session_is_refused(reader: Reader) -> None:
    headers = {"Origin": f"http://{reader.address}"}
    for path in (f"{MEI}/unsubscribe", "/console/identity/decision", "/console/identity/merge"):
        answer = await reader.page.request.post(
            f"http://{reader.address}{path}", form={"contact": LINE, "kind": "broadcast"}, headers=headers
        )
        assert answer.status == 403, path


@IN_BOTH_LANGUAGES
async def test_a_filter_is_saved_as_a_segment(reader: Reader, language: str) -> None:
    page, name = reader.page, f"LINE <b>friends</b> {language}"
    await reader.choose("language", language)
    await reader.visit("/console/customers?channel=line")
    await reader.enter(page.locator("summary", has_text=reader.say("Save as segment")))
    await page.locator("details[open] [name=name]").focus()
    await page.keyboard.type(name)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/segments")
    await reader.enter(page.get_by_role("link", name=name))
    await expect(page.locator(".chip")).to_contain_text(name)
    await expect(page.locator("tbody tr").first).to_be_visible()
