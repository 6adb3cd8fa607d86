"""Operations in Chromium: channels and their health, dead letters, generations, and connecting a channel."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from projections.engine.generations import add_generation, next_generation
from projections.registry import SCHEMA
from services.control.source_activity import SourceCounts, SourceHour, SourceOrigin, add_counts, hour_of
from services.control.source_service import SourceDraft
from tests.support.console_reader import WIDTHS, Reader, ServedBrand, found_by_axe, signed_in
from tests.support.dead_letters import set_aside
from tests.support.ingress import line_signature, line_webhook
from tests.support.pictures import keep_pictures
from tests.support.read_api import NOW, Brand

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUESTS = SourceCounts(requests=40, unproven=1, last_at=datetime.fromtimestamp(NOW / 1000, UTC))
SECRET = b"0123456789abcdef of LINE"
LETTERS = "/console/operations/dead-letters"


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
        await expect(page.locator("tbody")).not_to_contain_text("g2")
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
