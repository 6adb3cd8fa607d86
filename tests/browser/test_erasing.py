"""Erasing a person in the console: seen first, confirmed by typing, by keyboard alone, in both languages."""

from datetime import UTC, datetime

import orjson
import pytest
from playwright.async_api import expect

from services.control.deletions import add_deletion
from services.control.keys import add_key
from tests.support.console_reader import IN_BOTH_LANGUAGES, Reader, ServedBrand, found_by_axe, signed_in
from tests.support.contact_records import event
from tests.support.job_runs import JobRuns
from tests.support.pictures import keep_pictures
from tests.support.read_api import MASTER, Brand, id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
UNKNOWN = "No single customer has this name. Look for the customer in the list, and copy its address."


@pytest.mark.parametrize(
    ("language", "erase", "again", "waits", "done", "download"),
    [
        ("en", "Erase for good", "erased by mistake", "goes on to its end", "Receipt", "Download the receipt"),
        ("zh-Hant", "永久刪除", "以免誤刪", "無法取消", "憑證", "下載憑證"),
    ],
)
async def test_a_customer_is_erased_by_keyboard_after_it_was_typed_and_the_receipt_is_kept(  # noqa: PLR0913, PLR0917 - words
    reader: Reader, language: str, erase: str, again: str, waits: str, done: str, download: str
) -> None:
    page, brand = reader.page, reader.brand
    contact = f"line:oa-taipei:Uerased-{language}"
    await brand.fold(
        event("contact.followed", 1, contact=contact),
        event("profile.updated", 2, contact=contact, display_name="要刪除的人 <b>"),
    )
    await brand.compose()
    customer = str(id_of(contact))
    await reader.choose("language", language)
    await reader.visit(f"/console/customers/{customer}")
    await page.locator("a[href$='/erase']").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("要刪除的人 <b>")
    field = page.locator("#field-confirmation")
    await field.focus()
    await page.keyboard.type("yes")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice.error").first).to_contain_text(again)
    await expect(field).to_be_focused()
    assert (await brand.get(f"/v1/customers/{customer}")).status_code == 200
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(customer[:8].upper())
    await page.get_by_role("button", name=erase).focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text(waits)
    await JobRuns(brand).run("erasure")
    await expect(page.get_by_role("heading", name=done, exact=True)).to_be_visible()  # the page found out itself
    assert await found_by_axe(page) == []
    await keep_pictures(page, page.url, "erasure")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name=download).focus()
        await page.keyboard.press("Enter")
    kept = orjson.loads((await (await downloading.value).path()).read_bytes())
    assert (kept["receipt"]["contacts"], kept["receipt"]["removed"]["events"]) == (1, 2)
    assert contact not in str(kept)
    assert (await brand.get(f"/v1/customers/{customer}")).status_code == 404
    await reader.visit("/console/erasures")
    await expect(page.locator("tbody tr").first.locator(".badge.good")).to_be_visible()
    await reader.visit("/console/jobs")
    await page.locator("tbody tr a").first.click()
    await expect(page).to_have_url(f"http://{reader.address}/console/erasures/{kept['receipt']['id']}")


async def test_only_who_may_erase_sees_it_and_no_brand_sees_anothers_receipt(served_brand: ServedBrand) -> None:
    brand, _, _ = served_brand
    contact = "line:oa-taipei:Ustays"
    await brand.fold(event("contact.followed", 1, contact=contact))
    await brand.compose()
    path = f"/console/customers/{id_of(contact)}"
    brand.keys["marketer"] = await add_key(
        brand.engine, "demo", ["customers:read", "customers:write", "customers:export"]
    )
    async with signed_in(*served_brand, "marketer") as marketer:
        await marketer.visit(path)
        await expect(marketer.page.locator("a[href$='/erase']")).to_have_count(0)
        token = await marketer.page.locator("[name=csrf_token]").first.get_attribute("value")
        base, origin = f"http://{marketer.address}", {"Origin": f"http://{marketer.address}"}
        for address in (f"{path}/erase", "/console/erasures"):
            assert (await marketer.page.request.get(base + address)).status == 403
        sent: dict[str, str | float | bool] = {"csrf_token": token or "", "confirmation": str(id_of(contact))[:8]}
        refused = await marketer.page.request.post(f"{base}{path}/erase", form=sent, headers=origin)
        assert refused.status == 403
    headers = {"Authorization": f"Bearer {brand.keys['admin']}"}
    preview = (await brand.client.post(f"/v1/customers/{id_of(contact)}/erase/preview", headers=headers)).json()
    body = {"token": preview["token"]}
    begun = await brand.client.post(f"/v1/customers/{id_of(contact)}/erase", json=body, headers=headers)
    erasure = begun.json()["id"]
    async with signed_in(*served_brand, "admin") as admin, signed_in(*served_brand, "admin of other") as stranger:
        for reader, status in ((admin, 200), (stranger, 404)):
            answer = await reader.page.request.get(f"http://{reader.address}/console/erasures/{erasure}")
            assert answer.status == status
        for there in (f"{path}/erase", f"/console/erasures/{erasure}/receipt"):
            assert (await stranger.page.request.get(f"http://{stranger.address}{there}")).status == 404
        # without the token of the session nothing is done
        unsigned = await admin.page.request.post(f"{base}{path}/erase", form={"confirmation": "x"}, headers=origin)
        assert unsigned.status == 403
    await JobRuns(brand).run("erasure")


async def a_request(brand: Brand, code: str) -> None:
    facts = {"tenant": "demo", "source": "shop-page", "channel": "facebook", "subject": "app user 77"}
    await add_deletion(brand.engine, MASTER, code, requested_at=datetime(2026, 3, 1, tzinfo=UTC), **facts)


@IN_BOTH_LANGUAGES
async def test_a_request_of_meta_is_answered_by_an_erasure_or_refused(reader: Reader, language: str) -> None:
    page, brand, say = reader.page, reader.brand, reader.say
    code, other = f"{language[:2]}a" * 10, f"{language[:2]}b" * 10
    contact = f"facebook:301:Uasked-{language}"
    await brand.fold(event("message.received", 1, contact=contact, text="hi", message_id="m1", kind="text"))
    await brand.compose()
    for one in (code, other):
        await a_request(brand, one)
    await reader.choose("language", language)
    await reader.visit("/console/erasures")
    await reader.enter(page.get_by_role("link", name=say("Answer the request %(code)s") % {"code": code[:8]}))
    await expect(page.locator("#copy-subject")).to_have_value("app user 77")
    assert await found_by_axe(page) == []
    await keep_pictures(page, page.url, "deletion-request")
    await reader.choose("language", language)
    await page.reload()
    await page.focus("#field-customer")
    await page.keyboard.type("member:nobody")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text(say(UNKNOWN))
    await page.focus("#field-customer")
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(f"http://{reader.address}/console/customers/{id_of(contact)}/conversation")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text(code[:8])
    await page.focus("#field-confirmation")
    await page.keyboard.type(str(id_of(contact))[:8])
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/erasures/*")
    await JobRuns(brand).run("erasure")
    await reader.visit(f"/console/erasures/requests/{code}")
    await expect(page.locator("main .badge")).to_have_text(say("done"))
    await expect(page.locator("#copy-subject")).to_have_count(0)
    await reader.visit(f"/console/erasures/requests/{other}")
    await page.focus("#field-reason")
    await page.keyboard.type("An invoice, for five years <b>")
    await page.keyboard.press("Enter")
    await expect(page.locator("main .badge")).to_have_text(say("refused"))
    await expect(page.locator("main")).to_contain_text("for five years <b>")
    async with signed_in(brand, reader.address, page.context.browser, "admin of other") as stranger:  # type: ignore[arg-type]  # it has one
        answer = await stranger.page.request.get(f"http://{reader.address}/console/erasures/requests/{other}")
        assert answer.status == 404
