"""Meta's data deletion callback, from the person's request to the page that says what became of it."""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.control import registry as control
from tests.integration.ingress.conftest import MASTER, OCCURRED_AT, SECRETS, Door
from tests.integration.ingress.test_events import is_problem

PERSON = "10215567788990011"
ISSUED_AT = OCCURRED_AT // 1000
PATH = "/webhooks/meta/shop-meta/deletion"


def a_request(user_id: Any = PERSON, secret: bytes = SECRETS[1], **said: Any) -> dict[str, str]:
    """The form that Meta sends."""
    payload = orjson.dumps({"algorithm": "HMAC-SHA256", "issued_at": ISSUED_AT, "user_id": user_id} | said)
    encoded = urlsafe_b64encode(payload).rstrip(b"=")
    signature = urlsafe_b64encode(hmac.digest(secret, encoded, sha256)).rstrip(b"=")
    return {"signed_request": f"{signature.decode()}.{encoded.decode()}"}


async def asked(door: Door, form: dict[str, str], path: str = PATH) -> httpx.Response:
    return await door.client.post(path, data=form)


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_request_is_in_the_log_and_its_page_says_that_it_was_received(door: Door, secret: bytes) -> None:
    answer = await asked(door, a_request(secret=secret))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    code = told["confirmation_code"]
    assert told == {"url": f"https://ingress{PATH}/{code}", "confirmation_code": code}
    assert code.isalnum()
    page = await door.client.get(f"{PATH}/{code}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "我們已收到您的要求" in page.text
    assert "We have received your request" in page.text
    assert PERSON not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    ((key, event),) = await door.log()
    assert key == "acme|"
    assert (event.type, event.event_id, event.source) == (
        "tenant.deletion_requested",
        f"deletion:{code}",
        "shop-meta",
    )
    assert event.occurred_at == OCCURRED_AT
    assert event.data.request_id == code  # type: ignore[union-attr]


async def test_neither_the_log_nor_the_table_shows_whom_it_is_about(door: Door) -> None:
    await asked(door, a_request())
    ((_, event),) = await door.log()
    row = await door.db.fetchval("SELECT d::text FROM onefold.deletion_requests d")
    assert PERSON not in event.model_dump_json()
    assert PERSON not in row


async def test_sent_again_it_is_the_same_request_and_later_another_of_the_same_person(door: Door) -> None:
    first, second = await asked(door, a_request()), await asked(door, a_request())
    later = await asked(door, a_request(issued_at=ISSUED_AT + 60))
    another = await asked(door, a_request(user_id="7"))
    codes = [answer.json()["confirmation_code"] for answer in (first, second, later, another)]
    assert codes[0] == codes[1]
    assert len(set(codes)) == 3
    events = {event.event_id: event.data for _, event in await door.log()}
    subjects = [events[f"deletion:{code}"].subject for code in codes]  # type: ignore[union-attr]
    assert len(events) == 3
    assert subjects[0] == subjects[2] != subjects[3]


async def test_what_is_not_signed_so_is_refused_and_nothing_is_kept(door: Door) -> None:
    right = a_request()["signed_request"]
    signature, payload = right.split(".")
    for text in ("", "x", ".", f"{signature}.", f".{payload}", f"{payload}.{signature}", right + "A", "Ü.Ü"):
        is_problem(await asked(door, {"signed_request": text}), 401, "wrong-signature")
    is_problem(await asked(door, a_request(secret=b"guess")), 401, "wrong-signature")
    is_problem(await asked(door, a_request(algorithm="none")), 401, "wrong-signature")
    is_problem(await asked(door, {}), 401, "wrong-signature")
    assert await door.log() == []
    assert await door.db.fetchval("SELECT count(*) FROM onefold.deletion_requests") == 0


async def test_a_signed_request_of_nobody_is_a_422(door: Door) -> None:
    nobody: tuple[Any, ...] = (None, "", {"id": 1}, [])
    for user_id in nobody:
        is_problem(await asked(door, a_request(user_id=user_id)), 422, "invalid-request")


@pytest.mark.parametrize("issued_at", [None, "soon", 2**63, -1, True])
async def test_a_request_that_does_not_say_when_is_one_all_the_same(door: Door, issued_at: Any) -> None:
    assert (await asked(door, a_request(user_id=7, issued_at=issued_at))).status_code == 200
    ((_, event),) = await door.log()
    assert event.occurred_at <= event.received_at


async def test_a_form_that_can_not_be_read(door: Door) -> None:
    is_problem(await door.client.post(PATH, content=b"a=1&" * 50), 400, "malformed-body")
    is_problem(await door.client.post(PATH, content=b"x" * 40_000), 413, "too-large")
    is_problem(await asked(door, a_request(), "/webhooks/meta/shop-line/deletion"), 404, "not-found")


async def test_a_page_is_found_by_its_code_and_source_alone(door: Door) -> None:
    code = (await asked(door, a_request())).json()["confirmation_code"]
    for path in (f"{PATH}/{code[:-1]}", f"{PATH}/{'0' * 32}", f"{PATH}/%00", f"/webhooks/meta/other/deletion/{code}"):
        is_problem(await door.client.get(path), 404, "not-found")


async def test_a_hostile_host_is_not_told_to_anybody(door: Door) -> None:
    for host in ("evil/path", "a b", "x" * 400):
        answer = await door.client.post(PATH, data=a_request(), headers={"Host": host})
        assert answer.json()["url"].startswith(f"https://localhost{PATH}/")


async def test_staff_find_whom_it_is_about_until_it_is_closed(
    door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codes = [(await asked(door, a_request(user_id=user))).json()["confirmation_code"] for user in (PERSON, "77")]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", door.settings.database_url)
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
    assert "Your data have been deleted" in (await door.client.get(f"{PATH}/{codes[0]}")).text
    refused = (await door.client.get(f"{PATH}/{codes[1]}")).text
    assert "&lt;b&gt;invoices&lt;/b&gt; are kept for ten years" in refused
    assert "未能執行" in refused
    assert codes[0] not in await onefold("list")
    assert codes[0] in await onefold("list", "--all")
    assert PERSON not in await onefold("show", codes[0])
    assert await door.db.fetchval("SELECT count(*) FROM onefold.deletion_requests WHERE sealed_subject IS NULL") == 2
    assert "closed already" in await onefold("done", codes[0], status=1)
    assert "no such request" in await onefold("show", "0" * 32, status=1)
    assert "has a reason" in await onefold("refuse", codes[1], "--reason", " ", status=1)
    again = await asked(door, a_request())
    assert again.json()["confirmation_code"] == codes[0]
    assert "have been deleted" in (await door.client.get(f"{PATH}/{codes[0]}")).text, "a late repeat reopens nothing"


async def test_a_request_outlives_its_source(door: Door) -> None:
    code = (await asked(door, a_request())).json()["confirmation_code"]
    key = await control.add_key(door.db, "acme", ["admin"])
    removed = await door.client.delete("/v1/sources/shop-meta", headers={"Authorization": f"Bearer {key}"})
    assert removed.status_code == 204
    assert (await door.client.get(f"{PATH}/{code}")).status_code == 200
