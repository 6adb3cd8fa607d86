"""Meta's webhooks: one source for Messenger, Instagram and WhatsApp of one app."""

import asyncio
from typing import Any

import orjson
import pytest

from services.control import registry as control
from services.control.source_options import SourceOptions
from services.runtime.secrets import seal
from tests.integration.ingress.conftest import (
    MASTER,
    OCCURRED_AT,
    SECRETS,
    VERIFY_TOKEN,
    Door,
    a_webhook,
    meta_signed,
    signed,
)
from tests.integration.ingress.test_events import is_problem

ACCOUNTS = {"facebook": "301", "instagram": "17841400000000001", "whatsapp": "118"}


def a_message(channel: str, text: str = "hi") -> bytes:
    """A message of one person's, as Meta tells of it on the channel."""
    return orjson.dumps(_whatsapp(text) if channel == "whatsapp" else _messenger(channel, text))


def _messenger(channel: str, text: str) -> Any:
    item = {
        "sender": {"id": "7001"},
        "recipient": {"id": ACCOUNTS[channel]},
        "timestamp": OCCURRED_AT,
        "message": {"mid": f"mid.{channel}", "text": text},
    }
    page = "page" if channel == "facebook" else "instagram"
    return {"object": page, "entry": [{"id": ACCOUNTS[channel], "time": OCCURRED_AT, "messaging": [item]}]}


def _whatsapp(text: str) -> Any:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "886277001234", "phone_number_id": ACCOUNTS["whatsapp"]},
        "contacts": [{"wa_id": "886911111111", "profile": {"name": "林"}}],
        "messages": [
            {
                "id": "wamid.1",
                "from": "886911111111",
                "timestamp": str(OCCURRED_AT // 1000),
                "type": "text",
                "text": {"body": text},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "219", "changes": [change]}]}


async def add(door: Door, source: str, channel: str, **facts: Any) -> None:
    """One more source of Meta's."""
    facts = {"account": None, "sealed_secrets": [seal(MASTER, SECRETS[1])]} | facts
    await control.add_source(door.db, source, tenant="acme", channel=channel, **facts)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("channel", ACCOUNTS)
async def test_a_signed_message_is_in_the_log_when_it_is_answered(door: Door, channel: str, secret: bytes) -> None:
    body = a_message(channel, "你好")
    answer = await door.meta(body, meta_signed(body, secret))
    assert (answer.status_code, answer.json()) == (200, {})
    events = [event for _, event in await door.log() if event.type == "message.received"]
    (event,) = events
    assert event.contact is not None
    assert (event.tenant, event.source, event.contact.channel) == ("acme", "shop-meta", channel)
    assert event.contact.account == ACCOUNTS[channel]
    assert event.data.text == "你好"  # type: ignore[union-attr]


async def test_a_wrong_signature_is_refused_and_nothing_is_kept(door: Door) -> None:
    body = a_message("facebook")
    right = meta_signed(body)["x-hub-signature-256"]
    for given in (None, "", "sha256=", "sha1=" + right[7:], right[7:], right[:-1] + "0g", "Ü", right + "00"):
        headers = [] if given is None else [(b"x-hub-signature-256", given.encode())]
        answer = await door.client.post("/webhooks/meta/shop-meta", content=body, headers=headers)
        is_problem(answer, 401, "wrong-signature")
    for headers_of in (meta_signed(body, b"guess"), meta_signed(body + b" "), signed(body)):
        is_problem(await door.meta(body, headers_of), 401, "wrong-signature")
    assert await door.log() == []


async def test_the_signature_is_over_the_bytes_as_they_came(door: Door) -> None:
    body = b" " + a_message("facebook").replace(b"hi", b"\\u00fc \\/ \xff")
    assert (await door.meta(body, meta_signed(body))).status_code == 200
    assert len(await door.log()) == 1


async def test_the_handshake_gives_the_challenge_back(door: Door) -> None:
    hub = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
    answer = await door.client.get("/webhooks/meta/shop-meta", params=hub)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_handshake_without_the_token_is_a_403_whatever_else_is_said(door: Door) -> None:
    for token in ("guess", "", VERIFY_TOKEN + " ", "\u00fc\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
        hub = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1"}
        is_problem(await door.client.get("/webhooks/meta/shop-meta", params=hub), 403, "wrong-verify-token")
    is_problem(await door.client.get("/webhooks/meta/shop-meta"), 403, "wrong-verify-token")
    await add(door, "no-token", "meta")
    is_problem(await door.client.get("/webhooks/meta/no-token?hub.verify_token="), 403, "wrong-verify-token")


@pytest.mark.parametrize(
    "change", [{"hub.mode": "unsubscribe"}, {"hub.challenge": "a\nb"}, {"hub.challenge": "1" * 5000}]
)
async def test_a_handshake_that_is_none_is_a_422(door: Door, change: dict[str, str]) -> None:
    hub = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"} | change
    is_problem(await door.client.get("/webhooks/meta/shop-meta", params=hub), 422, "invalid-request")


@pytest.mark.parametrize("channel", ACCOUNTS)
async def test_a_source_of_one_channel_takes_that_one_alone(door: Door, channel: str) -> None:
    await add(door, "one", channel)
    for sent in ACCOUNTS:
        body = a_message(sent)
        assert (await door.meta(body, meta_signed(body), "one")).status_code == 200
    assert {event.contact.channel for _, event in await door.log() if event.contact} == {channel}


async def test_an_app_of_one_s_own_says_what_it_sends(door: Door) -> None:
    await add(door, "sending", "meta", options=SourceOptions(senders={"42": "broadcast"}))
    echo = _messenger("facebook", "新品上市")
    item = echo["entry"][0]["messaging"][0]
    item["sender"], item["recipient"] = item["recipient"], item["sender"]
    item["message"] |= {"is_echo": True, "app_id": 42}
    body = orjson.dumps(echo)
    assert (await door.meta(body, meta_signed(body), "sending")).status_code == 200
    ((_, event),) = await door.log()
    assert (event.type, event.data.purpose) == ("team.message_sent", "broadcast")  # type: ignore[union-attr]


async def test_a_source_of_another_kind_is_none_here(door: Door) -> None:
    body, hub = a_message("facebook"), {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN}
    for source in ("shop-line", "nobody", "no%00body"):
        is_problem(await door.meta(body, meta_signed(body), source), 404, "not-found")
        is_problem(await door.client.get(f"/webhooks/meta/{source}", params=hub), 404, "not-found")
    line = a_webhook("hi")
    is_problem(await door.line(line, signed(line), "shop-meta"), 404, "not-found")


async def test_a_signed_body_that_tells_nothing_is_answered(door: Door) -> None:
    for body in (b'{"object":"page","entry":[]}', b"[]", b"7", b'{"object":"page","entry":[{"messaging":[{}]}]}'):
        assert (await door.meta(body, meta_signed(body))).status_code == 200
    is_problem(await door.meta(b"{", meta_signed(b"{")), 400, "malformed-body")


async def test_too_large_a_body_is_a_413(door: Door) -> None:
    body = a_message("facebook", "x" * 3_000_000)
    is_problem(await door.meta(body, meta_signed(body)), 413, "too-large")


async def test_a_source_past_its_rate_is_told_when_to_come_back(door: Door) -> None:
    await add(door, "slow", "meta", options=SourceOptions(rate=0.4))
    body = a_message("facebook")
    forged = meta_signed(body, b"guess")
    for _ in range(5):
        is_problem(await door.meta(body, forged, "slow"), 401, "wrong-signature")
    assert (await door.meta(body, meta_signed(body), "slow")).status_code == 200, "forgeries use up nobody's allowance"
    refused = await door.meta(body, meta_signed(body), "slow")
    is_problem(refused, 429, "too-fast")
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    assert len(await door.log()) == 1
    assert (await door.meta(body, meta_signed(body))).status_code == 200, "other sources go on"
    await asyncio.sleep(2.6)
    assert (await door.meta(body, meta_signed(body), "slow")).status_code == 200
