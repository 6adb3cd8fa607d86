"""Tasks of the console by the keyboard alone, in both languages."""

import re

import pytest
from playwright.async_api import expect

from schemas.codec import encode
from services.control.oidc_providers import OidcProvider, remove_provider, set_provider
from services.runtime.secrets import seal
from tests.support.console_reader import (
    IN_BOTH_LANGUAGES,
    WITHIN,
    Reader,
    ServedBrand,
    choose_by_keys,
    found_by_axe,
    signed_in,
)
from tests.support.contact_records import event
from tests.support.dead_letters import CONTACT, Letter, add_letters
from tests.support.job_runs import JobRuns
from tests.support.openid import openid_provider
from tests.support.polling import until
from tests.support.read_api import MASTER, Brand

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def tagged(brand: Brand, tag: str) -> None:
    """Two customers who have the tag."""
    for name in ("one", "two"):
        contact = f"line:oa-taipei:U{tag}-{name}"
        await brand.fold(
            event("contact.followed", 1, contact=contact),
            event("tag.added", 2, contact=contact, tag=tag, source="manual"),
            event("profile.updated", 3, contact=contact, display_name=f"{tag} {name}"),
        )
    await brand.compose()


@IN_BOTH_LANGUAGES
async def test_a_filter_is_built_and_taken_apart(reader: Reader, language: str) -> None:
    page, say, tag = reader.page, reader.say, f"built-{language}"
    await tagged(reader.brand, tag)
    await reader.choose("language", language)
    await reader.visit("/console/customers")
    await reader.enter(page.get_by_role("link", name=f"+ {say('Condition')}").first)
    await expect(page.locator("#field-field")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#field-value")).to_be_focused()
    await page.keyboard.type(tag)
    await expect(page.locator("#count-while-building")).to_have_text(re.compile("2"))
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator(".chip")).to_contain_text(tag)
    await reader.enter(page.get_by_role("link", name=f"+ {say('Condition')}").first)
    await choose_by_keys(page, "#field-field", "name")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await choose_by_keys(page, "#field-operator", "contains")
    await page.focus("#field-value")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await reader.enter(page.locator(".chip").last.locator("a").nth(1))  # turned into its opposite
    await expect(page.locator("tbody tr")).to_contain_text(f"{tag} one")
    await reader.enter(page.locator(".chip").last.locator("a").last)  # and away with it
    await expect(page.locator("tbody tr")).to_have_count(2)


@IN_BOTH_LANGUAGES
async def test_chosen_customers_are_exported(reader: Reader, language: str) -> None:
    page, tag = reader.page, f"exported-{language}"
    await tagged(reader.brand, tag)
    await reader.choose("language", language)
    await reader.visit(f"/console/customers?q={tag}")
    await page.locator("tbody tr", has_text="one").get_by_role("checkbox").focus()
    await page.keyboard.press("Space")
    await reader.press("Export chosen")
    await expect(page.locator("#rows-of-export")).to_contain_text("1")
    await reader.press("Start the export")
    await page.wait_for_url("**/console/jobs/*")
    await JobRuns(reader.brand).run("export")
    async with page.expect_download() as downloading:
        await reader.enter(page.locator("a[download]"))  # the page found out itself
    lines = (await (await downloading.value).path()).read_bytes().decode().splitlines()
    assert lines[0].startswith("\ufeff")
    assert (len(lines), f"{tag} one" in lines[1]) == (2, True)


@IN_BOTH_LANGUAGES
async def test_all_that_match_are_changed_after_a_preview(reader: Reader, language: str) -> None:
    page, say, tag = reader.page, reader.say, f"changed-{language}"
    await tagged(reader.brand, tag)
    await reader.choose("language", language)
    await reader.visit(f'/console/bulk-actions?f={{"tag":"{tag}"}}')
    await choose_by_keys(page, "#field-do", "untag")
    await page.focus("#field-tag")
    await page.keyboard.type(tag)
    await page.keyboard.press("Enter")
    change = page.locator("form[method=post][action='/console/bulk-actions'] button")
    await expect(change).to_contain_text("2")
    assert await found_by_axe(page) == []
    await reader.enter(change)
    await page.wait_for_url("**/console/jobs/*")
    await JobRuns(reader.brand).run()
    await expect(page.locator(".figures")).to_contain_text(say("Changed"))
    await reader.visit(f'/console/customers?f={{"tag":"{tag}"}}')
    await expect(page.locator("tbody tr")).to_have_count(0)


@IN_BOTH_LANGUAGES
async def test_dead_letters_of_a_reason_are_sent_again(served_brand: ServedBrand, language: str) -> None:
    brand = served_brand[0]
    number = 20 + len(language)
    good = encode(event("contact.followed", number, contact=CONTACT).model_copy(update={"tenant": "other"}))
    letter = Letter("other", number, "future_version", good)
    await add_letters(brand.app.state.ingress.settings, [letter])
    async with signed_in(*served_brand, "admin of other") as reader:
        await reader.choose("language", language)
        again = reader.page.get_by_role("button", name=re.compile(reader.say("Send all again")))

        async def is_shown() -> bool:
            await reader.visit("/console/operations/dead-letters")
            return await again.count() > 0

        await until(is_shown, 240, "the dead letter is not listed")
        await reader.enter(again.last)
        await expect(reader.page.locator(".notice")).to_contain_text("1")
        await expect(reader.page.locator(".notice")).to_be_focused()


@IN_BOTH_LANGUAGES
async def test_an_api_key_is_made_and_revoked(reader: Reader, language: str) -> None:
    page, brand, name = reader.page, reader.brand, f"for a till {language}"
    await reader.choose("language", language)
    await reader.visit("/console/access")
    await page.focus("#field-key-name")
    await page.keyboard.type(name)
    await page.focus("[name=scope][value='customers:read']")
    await page.keyboard.press("Space")
    await reader.press("Make a key")
    made = await page.locator("#copy-key").input_value()
    headers = {"Authorization": f"Bearer {made}"}
    assert (await brand.client.get("/v1/quota", headers=headers)).status_code == 200
    row = page.locator("tr", has_text=name)
    await reader.enter(row.locator("summary"))
    await reader.enter(row.locator("form button"))
    await expect(page.locator("tr", has_text=name)).to_have_count(0)


@IN_BOTH_LANGUAGES
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider's own parts
async def test_somebody_signs_in_with_the_account_of_the_company(served_brand: ServedBrand, language: str) -> None:
    brand, address, browser = served_brand
    claims = {"name": "Amy", "email": "amy@brand.example", "email_verified": True}
    with openid_provider({"amy": claims}) as issuer:
        rules = (("viewer", "email", "amy@brand.example"),)
        provider = OidcProvider("other", issuer, "onefold", seal(MASTER, b"s3cret"), (), rules, "IT", any_email=False)
        await set_provider(brand.engine, provider)
        context = await browser.new_context()
        page = await context.new_page()
        page.set_default_timeout(WITHIN)
        reader = Reader(page, address, brand, set())
        await reader.choose("language", language)
        await page.goto(f"http://{address}/console/sign-in")
        await reader.enter(page.locator("a[href^='/console/oidc/other']"))
        await page.focus("input[name=sub]")
        await page.keyboard.type("amy")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/customers")
        await reader.enter(page.locator("header summary"))
        await expect(page.locator("header .menu-body")).to_contain_text("Amy (amy@brand.example)")
        await context.close()
        await remove_provider(brand.engine, "other")
