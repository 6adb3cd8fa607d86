"""The pages of one customer in Chromium: profile, conversation, why it is one, and the decisions about it."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import FilePayload, Page, expect

from projections.engine.generations import add_generation, next_generation
from projections.registry import SCHEMA
from services.control.source_activity import SourceCounts, SourceHour, SourceOrigin, add_counts, hour_of
from services.control.source_service import SourceDraft
from services.query.http.parameters import now
from tests.support.console_customers import BROWSER, LINE, MESSAGES, MESSENGER, SCRIPT
from tests.support.console_pages import roll_out_policies
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
from tests.support.dead_letters import set_aside
from tests.support.ingress import line_signature, line_webhook
from tests.support.job_runs import JobRuns
from tests.support.pictures import keep_pictures
from tests.support.read_api import NOW, Brand, id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
expect.set_options(timeout=60_000)
REQUESTS = SourceCounts(requests=40, unproven=1, last_at=datetime.fromtimestamp(NOW / 1000, UTC))
SECRET = b"0123456789abcdef of LINE"
LETTERS = "/console/operations/dead-letters"
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


async def contacts(reader: Reader) -> set[str]:
    found = await reader.brand.json(f"/v1/customers/{id_of(LINE)}")
    return {one["contact"] for one in found["contacts"]}


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
    await dialog.get_by_label(say("Cart reminders")).focus()
    await page.keyboard.press("Space")
    await reader.enter(dialog.get_by_role("button", name=say("Unsubscribe")))
    await expect(page.locator(".notice")).to_contain_text(
        say("The contact is unsubscribed from the kinds that you chose.")
    )
    known = await reader.brand.json(f"/v1/contacts/{contact.replace(':', '/')}")
    allowed = [known["consents"][kind]["allowed"] for kind in ("broadcast", "web_push", "cart_remarketing")]
    assert allowed == [False, False, True]


@pytest.fixture
def at_present(served_brand: ServedBrand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews are of this moment, as events are: what is taken back has to be later than what was decided."""
    monkeypatch.setitem(served_brand[0].app.dependency_overrides, now, lambda: int(time.time() * 1000))


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
    for place, contact in (("#different-a", LINE), ("#different-b", MESSENGER)):
        await _choose_by_keys(page, place, contact)
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


async def _choose_by_keys(page: Page, place: str, value: str) -> None:
    """Go through a list of choices with the arrow keys until the one of that value is chosen."""
    await page.focus(place)
    await page.keyboard.press("Home")
    while await page.locator(place).input_value() != value:
        await page.keyboard.press("ArrowDown")


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


@IN_BOTH_LANGUAGES
async def test_a_file_is_checked_its_columns_are_named_and_its_rows_imported(reader: Reader, language: str) -> None:
    page, runs, say = reader.page, JobRuns(reader.brand), reader.say
    member = f"Z0071{language[:2]}"
    await reader.choose("language", language)
    await reader.visit("/console/imports/new")
    assert await found_by_axe(page) == []
    content = f"Code,Level\n{member},gold\n{member},<script>document.title='taken'</script>\n".encode()
    file: FilePayload = {"name": "members.csv", "mimeType": "text/csv", "buffer": content}
    await page.set_input_files("#field-file", files=[file])
    await reader.press("Upload and check")
    await expect(page.locator("h1")).to_have_text("members.csv")
    await runs.run()
    await expect(page.get_by_role("alert")).to_contain_text("no column has the member id")  # the page found out itself
    await _choose_by_keys(page, "[name=field-0]", "member_id")
    await _choose_by_keys(page, "[name=field-1]", "new attribute")
    await page.focus("[name=key-1]")
    await page.keyboard.type("level")
    await reader.press("Check again")
    await expect(page.get_by_text(say("Nothing changes yet."))).to_be_visible()
    await runs.run()
    begin = page.locator("form[action$='/run'] button")
    await expect(begin).to_contain_text("1")
    await expect(page.locator("section", has=page.locator("#reasons"))).to_contain_text(say("repeated row"))
    assert await found_by_axe(page) == []
    assert await page.title() != "taken"
    await reader.enter(begin)
    await expect(page.get_by_text(say("You may leave this page: the import goes on."))).to_be_visible()
    await runs.run()
    await expect(page.get_by_role("heading", name=say("What the import did"))).to_be_visible()
    async with page.expect_download() as downloading:
        await reader.press("Download the refused rows", "link")
    refused = (await (await downloading.value).path()).read_text(encoding="utf-8-sig")
    assert refused.splitlines()[1].startswith(f"{member},<script>")
    await reader.visit("/console/jobs")
    await expect(page.get_by_role("link", name=say("Check of a file")).first).to_be_visible()
    await reader.visit(f"/console/customers?q={member}")
    await expect(page.get_by_role("link", name=member).first).to_be_visible()
    # a form of another page lacks the session's token
    origin = {"origin": f"http://{reader.address}"}
    sent = await page.context.request.post(
        f"http://{reader.address}/console/imports", multipart={"of": "customers", "file": file}, headers=origin
    )
    assert sent.status == 403


@IN_BOTH_LANGUAGES
async def test_a_change_of_many_customers_is_undone_from_its_page(reader: Reader, language: str) -> None:
    page, runs, brand, say = reader.page, JobRuns(reader.brand), reader.brand, reader.say
    await brand.compose()
    await reader.choose("language", language)
    order = {"filter": {"channel": ["line"]}, "action": {"do": "set", "key": "season", "value": f"spring {language}"}}
    headers = {"Authorization": f"Bearer {brand.keys['admin']}"}
    seen = (await brand.client.post("/v1/bulk-actions/preview", json=order, headers=headers)).json()
    began = await brand.client.post("/v1/bulk-actions", json=order | {"token": seen["token"]}, headers=headers)
    job = began.json()["job"]["id"]
    await reader.visit(f"/console/jobs/{job}")
    await expect(page.get_by_role("button", name=say("Cancel"))).to_be_visible()
    await runs.run()
    await expect(page.locator(".figures")).to_contain_text(say("Changed"))
    assert began.json()["job"]["progress"]["total"] > 0
    await reader.press("Undo")
    await expect(page.locator("h1")).to_have_text(say("Undo"))
    await runs.run()
    await expect(page.locator(".figures")).to_contain_text(say("Changed back"))
    await reader.visit(f"/console/jobs/{job}")
    await expect(page.get_by_role("link", name=say("This was undone. See how that went."))).to_be_visible()
    await expect(page.get_by_role("button", name=say("Undo"))).to_have_count(0)


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


async def a_channel(brand: Brand) -> None:
    """A LINE channel with what came in a day, some of it with a wrong signature."""
    ingress, origin = brand.app.state.ingress, SourceOrigin("demo", "oa-main", "line", "oa1")
    for back in range(24):
        at = datetime.fromtimestamp(NOW / 1000, UTC) - timedelta(hours=back)
        hour = SourceHour(origin, hour_of(at))
        counts = SourceCounts(events=back * 7 % 31, last_at=at)
        await add_counts(brand.engine, {hour: counts, hour._replace(origin=origin._replace(account="")): REQUESTS})
    draft = SourceDraft("oa-main", "demo", "line", "oa1", secrets=(b"the channel's secret",))
    await ingress.source_service.connect(draft)


async def test_operations_show_health_dead_letters_and_generations(
    served_brand: ServedBrand,
) -> None:
    brand, _, _ = served_brand
    await a_channel(brand)
    log = await set_aside(brand.app.state.ingress.settings)
    await add_generation(brand.connection, await next_generation(brand.connection, takes_over=True), SCHEMA)
    pages = {
        "operations": "/console/operations",
        "channel": "/console/channels/oa-main",
        "connect": "/console/connect?channel=line",
        "dead-letters": f"{LETTERS}?reason=not_json",
        "dead-letter": f"{LETTERS}/{log}/0/7",
        "read-models": "/console/operations/read-models",
    }
    async with signed_in(*served_brand, "operator") as operator:
        page = operator.page
        for number, (name, path) in enumerate(pages.items()):
            await page.set_viewport_size({"width": WIDTHS[number % 2], "height": 900})
            await operator.visit(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[number % 2], name
            assert await found_by_axe(page) == [], name
            await keep_pictures(page, f"http://{operator.address}{path}", name)
        await operator.choose("language", "en")
        await operator.visit(pages["read-models"])
        await page.locator("summary", has_text="g2").click()
        await page.get_by_label("Type g2 to confirm").fill("g2")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.locator(".notice")).to_contain_text("deleted")
        await operator.visit(pages["operations"])
        await expect(page.locator("tr", has_text="oa-main")).to_contain_text("Some were refused")
    async with signed_in(*served_brand, "admin") as admin:
        page = admin.page
        await admin.choose("language", "zh-Hant")
        await admin.visit(LETTERS)
        await expect(page.locator("tbody").last.locator("tr")).to_have_count(2)  # the third one is another tenant's
        await expect(page.get_by_role("link", name="讀取模型")).to_have_count(0)
        await page.get_by_role("link", name=f"{log}/0/7").click()
        await expect(page.locator("pre")).to_contain_text("<script>")
        assert "ran" not in await page.title()
        await admin.visit(LETTERS)
        await page.get_by_role("button", name="全部重送 來自較新版本的 Onefold").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".notice")).to_contain_text("1 已重送")
        for path in (pages["read-models"], f"{LETTERS}/{log}/0/9"):
            refused = await page.context.request.get(f"http://{admin.address}{path}")
            assert refused.status in {403, 404}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Name of the channel", "Channel secret", "Connect", "Waiting for the first event", "Events arrive.")),
        ("zh-Hant", ("渠道代號", "Channel secret", "連接", "等待第一個事件", "已收到事件。")),
    ],
)
async def test_a_channel_is_connected_by_keyboard_and_its_first_event_arrives_on_the_page(
    reader: Reader, language: str, words: tuple[str, ...]
) -> None:
    page, (name, secret, connect, waiting, arrived) = reader.page, words
    source = f"oa-{language.lower()}"
    await reader.choose("language", language)
    await reader.visit("/console/connect")
    await page.locator(".choice-card").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label(name)).to_be_focused()
    await page.keyboard.type("oa main")  # no name: the form says so, and keeps what was typed
    await page.evaluate("document.querySelector('form.narrow-form').noValidate = true")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label(name)).to_have_value("oa main")
    await page.get_by_label(name).fill(source)
    await page.get_by_label(secret).focus()
    await page.keyboard.type(SECRET.decode())
    await page.get_by_role("button", name=connect, exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/channels/{source}$"))
    await expect(page.get_by_label("Messaging API > Webhook URL")).to_have_value(re.compile(f"/line/{source}$"))
    await expect(page.locator("#arrival")).to_contain_text(waiting)
    body = line_webhook("hello")
    answer = await reader.brand.client.post(
        f"/webhooks/line/{source}", content=body, headers=line_signature(body, SECRET)
    )
    assert answer.status_code == 200
    await expect(page.locator("#arrival")).to_contain_text(arrived)
    assert SECRET.decode() not in await page.content()
