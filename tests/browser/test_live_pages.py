"""Pages that stay current: a stream says when something has changed, and nothing moves under the reader's eyes."""

import httpx
import pytest
from playwright.async_api import expect

from schemas.events import Event
from services.control.console_access import end_sessions_of, list_people
from services.query.handlers.watching import ChangeWatch
from tests.support.console_reader import Reader, ServedBrand, signed_in
from tests.support.contact_records import event
from tests.support.read_api import id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
NO_CLOCK = "window.setInterval = () => 0"
FAST_CLOCK = "const slow = window.setInterval; window.setInterval = (tick) => slow(tick, 100)"


@pytest.mark.parametrize("way", ["stream", "clock"])
async def test_a_profile_and_a_list_follow_what_happens_by_the_stream_or_else_by_the_clock(
    reader: Reader, way: str
) -> None:
    page, brand, contact = reader.page, reader.brand, f"line:oa-taipei:Ulive-{way}"
    name = f"現場 {way}"
    await brand.fold(
        event("contact.followed", 1, contact=contact), event("profile.updated", 2, contact=contact, display_name=name)
    )
    await brand.compose()
    await page.add_init_script(NO_CLOCK if way == "stream" else FAST_CLOCK)
    if way == "clock":
        await page.route("**/console/live**", lambda route: route.abort())
    await reader.choose("language", "en")
    await _opened(reader, f"/console/customers/{id_of(contact)}", way)
    await page.locator("#tags").scroll_into_view_if_needed()
    top = await page.evaluate("scrollY")
    await brand.fold(event("tag.added", 3, contact=contact, tag="剛剛貼上", source="manual"))
    await brand.compose()
    await expect(page.locator("section", has=page.locator("#tags"))).to_contain_text("剛剛貼上")
    assert await page.evaluate("scrollY") == top
    await _opened(reader, f"/console/customers?q={name}", way)
    row = page.locator("tbody tr", has_text=name)
    await row.get_by_role("link").focus()
    await brand.fold(event("tag.added", 4, contact=contact, tag="又貼一個", source="manual"))
    await brand.compose()
    await expect(row).to_contain_text("又貼一個")
    await expect(row.get_by_role("link")).to_be_focused()


def said(contact: str, number: int, text: str) -> Event:
    return event("message.received", number, contact=contact, text=text, message_id=f"m{number}", kind="text")


async def test_a_conversation_goes_on_below_what_is_read(reader: Reader) -> None:
    page, brand, contact = reader.page, reader.brand, "line:oa-taipei:Utalks"
    await page.set_viewport_size({"width": 1440, "height": 500})
    await brand.fold(*(said(contact, number, f"first {number}") for number in range(20)))
    await brand.compose()
    await page.add_init_script(NO_CLOCK)
    await reader.choose("language", "en")
    await _opened(reader, f"/console/customers/{id_of(contact)}/conversation", "stream")
    bubbles, new = page.locator(".bubble"), page.get_by_role("button", name="new: show")
    await bubbles.first.scroll_into_view_if_needed()
    read = await bubbles.first.bounding_box()
    late = event("team.message_sent", 18, contact=contact, text="late", message_id="t1", purpose="bot")
    await brand.fold(*(said(contact, number, f"more {number}") for number in range(20, 45)), late)
    await expect(bubbles).to_have_count(46)
    await expect(bubbles.nth(19)).to_contain_text("late")  # where it belongs
    assert await bubbles.first.bounding_box() == read
    await reader.enter(new)
    await expect(page.locator(".bubble:focus")).to_be_in_viewport()
    await bubbles.last.scroll_into_view_if_needed()
    await expect(bubbles.last).to_contain_text("more 44")
    changed = {"message_id": "m44", "kind": "text"}
    await brand.fold(event("message.edited", 50, contact=contact, text="edited", **changed))
    await expect(bubbles.last).to_contain_text("edited")
    await brand.fold(event("message.unsent", 51, contact=contact, **changed))
    await expect(bubbles.last).not_to_contain_text("edited")
    await expect(bubbles).to_have_count(46)


async def _opened(reader: Reader, path: str, way: str) -> None:
    """Open a page; where there is a stream, wait until it has begun."""
    if way == "clock":
        await reader.visit(path)
        return
    async with reader.page.expect_response("**/console/live**") as answering:
        await reader.visit(path)
    assert (await answering.value).headers["content-type"].startswith("text/event-stream")


async def test_a_stream_says_nothing_of_other_brands_and_ends_with_its_session(served_brand: ServedBrand) -> None:
    brand, address, _ = served_brand
    watch: ChangeWatch = brand.app.state.watch
    contact = "line:oa-taipei:Ustream"
    looks = [watch.changes(name, id_of(contact)) for name in ("demo", "other")]
    assert [await anext(one) for one in looks] == [False, False]
    await brand.fold(event("contact.followed", 5, contact=contact))
    await brand.compose()
    assert [await _tells(one) for one in looks] == [True, False]
    async with signed_in(*served_brand, "viewer") as viewer:
        cookies = {one["name"]: one["value"] for one in await viewer.page.context.cookies()}
        (person,) = [one for one in await list_people(brand.engine, "demo") if set(one.scopes) == {"customers:read"}]
        live = f"http://{address}/console/live"
        async with httpx.AsyncClient(cookies=cookies, timeout=240) as client, client.stream("GET", live) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            await end_sessions_of(brand.engine, "demo", person.person)
            assert "data: changed" not in [line async for line in stream.aiter_lines()]
        assert (await viewer.page.request.get(live)).status == 401


async def _tells(looks: object) -> bool:
    """Whether one of the next looks finds a change."""
    return any([await anext(looks) for _ in range(3)])  # type: ignore[call-overload]  # it is a generator
