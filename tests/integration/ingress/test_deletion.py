"""Meta's data deletion callback, from the person's request to the page that says what became of it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.control.erasures import contacts_in
from services.control.keys import add_key
from tests.support.ingress import (
    ISSUED_AT,
    MASTER,
    OCCURRED_AT,
    PERSON,
    SECRETS,
    RunningIngress,
    assert_problem,
    deletion_form,
)
from tests.support.shop import open_shop

PATH = "/webhooks/meta/shop-meta/deletion"


async def posted(ingress: RunningIngress, form: dict[str, str], path: str = PATH) -> httpx.Response:
    return await ingress.client.post(path, data=form)


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_request_is_in_the_log_and_its_page_says_that_it_was_received(
    ingress: RunningIngress, secret: bytes
) -> None:
    answer = await posted(ingress, deletion_form(secret=secret))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    code = told["confirmation_code"]
    assert told == {"url": f"https://ingress{PATH}/{code}", "confirmation_code": code}
    assert code.isalnum()
    page = await ingress.client.get(f"{PATH}/{code}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "我們已收到您的要求" in page.text
    assert "We have received your request" in page.text
    assert PERSON not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    ((key, event),) = await ingress.log()
    assert key == "acme|"
    assert (event.type, event.event_id, event.source) == (
        "tenant.deletion_requested",
        f"deletion:{code}",
        "shop-meta",
    )
    assert event.occurred_at == OCCURRED_AT
    assert event.data.request_id == code  # type: ignore[union-attr]


async def test_neither_the_log_nor_the_table_shows_whom_it_is_about(ingress: RunningIngress) -> None:
    await posted(ingress, deletion_form())
    ((_, event),) = await ingress.log()
    row = await ingress.db.fetchval("SELECT d::text FROM onefold.deletion_requests d")
    assert PERSON not in event.model_dump_json()
    assert PERSON not in row


async def test_sent_again_it_is_the_same_request_and_later_another_of_the_same_person(ingress: RunningIngress) -> None:
    first, second = await posted(ingress, deletion_form()), await posted(ingress, deletion_form())
    later = await posted(ingress, deletion_form(issued_at=ISSUED_AT + 60))
    another = await posted(ingress, deletion_form(user_id="7"))
    codes = [answer.json()["confirmation_code"] for answer in (first, second, later, another)]
    assert codes[0] == codes[1]
    assert len(set(codes)) == 3
    events = {event.event_id: event.data for _, event in await ingress.log()}
    subjects = [events[f"deletion:{code}"].subject for code in codes]  # type: ignore[union-attr]
    assert len(events) == 3
    assert subjects[0] == subjects[2] != subjects[3]


async def test_what_is_not_signed_so_is_refused_and_nothing_is_kept(ingress: RunningIngress) -> None:
    right = deletion_form()["signed_request"]
    signature, payload = right.split(".")
    for text in ("", "x", ".", f"{signature}.", f".{payload}", f"{payload}.{signature}", right + "A", "Ü.Ü"):
        assert_problem(await posted(ingress, {"signed_request": text}), 401, "wrong-signature")
    assert_problem(await posted(ingress, deletion_form(secret=b"guess")), 401, "wrong-signature")
    assert_problem(await posted(ingress, deletion_form(algorithm="none")), 401, "wrong-signature")
    assert_problem(await posted(ingress, {}), 401, "wrong-signature")
    assert await ingress.log() == []
    assert await ingress.db.fetchval("SELECT count(*) FROM onefold.deletion_requests") == 0


async def test_a_signed_request_of_nobody_is_a_422(ingress: RunningIngress) -> None:
    nobody: tuple[Any, ...] = (None, "", {"id": 1}, [])
    for user_id in nobody:
        assert_problem(await posted(ingress, deletion_form(user_id=user_id)), 422, "invalid-request")


@pytest.mark.parametrize("issued_at", [None, "soon", 2**63, -1, True])
async def test_a_request_that_does_not_say_when_is_one_all_the_same(ingress: RunningIngress, issued_at: Any) -> None:
    assert (await posted(ingress, deletion_form(user_id=7, issued_at=issued_at))).status_code == 200
    ((_, event),) = await ingress.log()
    assert event.occurred_at <= event.received_at


async def test_a_form_that_can_not_be_read(ingress: RunningIngress) -> None:
    assert_problem(await ingress.client.post(PATH, content=b"a=1&" * 50), 400, "malformed-body")
    assert_problem(await ingress.client.post(PATH, content=b"x" * 40_000), 413, "too-large")
    assert_problem(await posted(ingress, deletion_form(), "/webhooks/meta/shop-line/deletion"), 404, "not-found")


async def test_a_page_is_found_by_its_code_and_source_alone(ingress: RunningIngress) -> None:
    code = (await posted(ingress, deletion_form())).json()["confirmation_code"]
    for path in (f"{PATH}/{code[:-1]}", f"{PATH}/{'0' * 32}", f"{PATH}/%00", f"/webhooks/meta/other/deletion/{code}"):
        assert_problem(await ingress.client.get(path), 404, "not-found")


async def test_a_hostile_host_is_not_told_to_anybody(ingress: RunningIngress) -> None:
    for host in ("evil/path", "a b", "x" * 400):
        answer = await ingress.client.post(PATH, data=deletion_form(), headers={"Host": host})
        assert answer.json()["url"].startswith(f"https://localhost{PATH}/")


async def test_staff_find_whom_it_is_about_until_it_is_closed(
    ingress: RunningIngress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codes = [
        (await posted(ingress, deletion_form(user_id=user))).json()["confirmation_code"] for user in (PERSON, "77")
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", ingress.settings.database_url)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", MASTER)
    monkeypatch.setenv("COLUMNS", "200")

    async def onefold(*arguments: str, status: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ("deletions", *arguments))
        assert result.exit_code == status, result.output
        return result.output

    listed = await onefold("list", "--tenant", "acme")
    assert all(code in listed for code in codes)
    assert PERSON not in listed
    assert PERSON in await onefold("show", codes[0])
    await onefold("done", codes[0])
    await onefold("refuse", codes[1], "--reason", "<b>invoices</b> are kept for ten years")
    assert "Your data have been deleted" in (await ingress.client.get(f"{PATH}/{codes[0]}")).text
    refused = (await ingress.client.get(f"{PATH}/{codes[1]}")).text
    assert "&lt;b&gt;invoices&lt;/b&gt; are kept for ten years" in refused
    assert "未能執行" in refused
    assert codes[0] not in await onefold("list")
    assert codes[0] in await onefold("list", "--all")
    assert PERSON not in await onefold("show", codes[0])
    assert await ingress.db.fetchval("SELECT count(*) FROM onefold.deletion_requests WHERE sealed_subject IS NULL") == 2
    assert "closed already" in await onefold("done", codes[0], status=1)
    assert "no such request" in await onefold("show", "0" * 32, status=1)
    assert "has a reason" in await onefold("refuse", codes[1], "--reason", " ", status=1)
    again = await posted(ingress, deletion_form())
    assert again.json()["confirmation_code"] == codes[0]
    assert "have been deleted" in (await ingress.client.get(f"{PATH}/{codes[0]}")).text, "a late repeat reopens nothing"


async def test_a_request_outlives_its_source(ingress: RunningIngress) -> None:
    code = (await posted(ingress, deletion_form())).json()["confirmation_code"]
    key = await add_key(ingress.engine, "acme", ["admin"])
    removed = await ingress.client.delete("/v1/sources/shop-meta", headers={"Authorization": f"Bearer {key}"})
    assert removed.status_code == 204
    assert (await ingress.client.get(f"{PATH}/{code}")).status_code == 200


def stated(contact: str, number: int, **identifiers: str) -> dict[str, Any]:
    """An event by which a contact is said to have identifiers, by their types."""
    channel, account, uid = contact.split(":", 2)
    found = [{"type": kind, "value": value, "assurance": "stated"} for kind, value in identifiers.items()]
    return {
        "event_id": f"bound-{number}",
        "type": "identity.bound",
        "contact": {"channel": channel, "account": account, "uid": uid},
        "occurred_at": OCCURRED_AT,
        "data": {"identifiers": found, "via": "api"},
    }


async def test_whose_app_id_the_brand_has_stated_is_erased_and_nobody_else(ingress: RunningIngress) -> None:
    claimed = stated("facebook:301:7002", 4, x_meta_app_user=PERSON)
    claimed["data"]["identifiers"][0]["assurance"] = "claimed"
    events = (
        stated("web:shop:user:M1", 1, member_id="M1", x_meta_app_user=PERSON),
        stated("facebook:301:7001", 2, member_id="M1"),
        stated("line:oa1:U1", 3, member_id="M1"),
        claimed,
        stated("web:shop:browser", 5, x_meta_app_user="77"),
    )
    async with open_shop(ingress) as shop:
        await shop.accepted("POST", "/v1/events", [*events])
        await shop.fold()
    code = (await posted(ingress, deletion_form())).json()["confirmation_code"]
    assert (await posted(ingress, deletion_form())).json()["confirmation_code"] == code
    await posted(ingress, deletion_form(user_id="77"))
    await posted(ingress, deletion_form(user_id="78"))
    (erasure,) = await ingress.db.fetch("SELECT deletion, sealed_contacts, requested_by FROM onefold.erasure_orders")
    assert (erasure["deletion"], erasure["requested_by"]) == (code, "shop-meta (deletion callback)")
    assert contacts_in(MASTER, erasure["sealed_contacts"]) == ["facebook:301:7001", "web:shop:user:M1"]
    assert await ingress.db.fetchval("SELECT count(*) FROM onefold.jobs WHERE kind = 'erasure'") == 1
    assert "已收到您的要求" in (await ingress.client.get(f"{PATH}/{code}")).text
