"""Work that takes long, in Chromium: a file that is imported, and a change of many customers."""

import pytest
from playwright.async_api import FilePayload, expect

from tests.support.console_reader import IN_BOTH_LANGUAGES, Reader, choose_by_keys, found_by_axe
from tests.support.job_runs import JobRuns

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
    said = say("No column has the member ID. Say below which one is taken for it.")
    await expect(page.get_by_role("alert")).to_contain_text(said)  # the page found out itself
    await choose_by_keys(page, "[name=field-0]", "member_id")
    await choose_by_keys(page, "[name=field-1]", "new attribute")
    await page.focus("[name=key-1]")
    await page.keyboard.type("le vel")
    await page.evaluate("for (const form of document.forms) form.noValidate = true")
    await reader.press("Check again")
    refused = say("A key of an attribute has letters, digits and _ only.")
    await expect(page.locator("form .notice")).to_have_text(refused)
    await expect(page.locator("[name=key-1]")).to_have_value("le vel")  # and nothing else is lost
    await expect(page.locator("[name=field-0]")).to_have_value("member_id")
    await page.locator("[name=key-1]").fill("level")
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
