"""Meta's webhooks: one source for Messenger, Instagram and WhatsApp of one app."""

from typing import Any

import orjson
import pytest

from services.control.source_options import SourceOptions
from services.control.sources import add_source
from services.runtime.secrets import seal
from tests.support.ingress import (
    MASTER,
    META_ACCOUNTS,
    SECRETS,
    VERIFY_TOKEN,
    RunningIngress,
    assert_problem,
    line_signature,
    line_webhook,
    meta_item_body,
    meta_message,
    meta_signature,
)


async def add(ingress: RunningIngress, source: str, channel: str, **facts: Any) -> None:
    """One more source of Meta's."""
    facts = {"account": None, "sealed_secrets": [seal(MASTER, SECRETS[1])]} | facts
    await add_source(ingress.engine, source, tenant="acme", channel=channel, **facts)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("channel", META_ACCOUNTS)
async def test_a_signed_message_is_in_the_log_when_it_is_answered(
    ingress: RunningIngress, channel: str, secret: bytes
) -> None:
    body = meta_message(channel, "你好")
    answer = await ingress.meta(body, meta_signature(body, secret))
    assert (answer.status_code, answer.json()) == (200, {})
    events = [event for _, event in await ingress.log() if event.type == "message.received"]
    (event,) = events
    assert event.contact is not None
    assert (event.tenant, event.source, event.contact.channel) == ("acme", "shop-meta", channel)
    assert event.contact.account == META_ACCOUNTS[channel]
    assert event.data.text == "你好"  # type: ignore[union-attr]


async def test_a_wrong_signature_is_refused_and_nothing_is_kept(ingress: RunningIngress) -> None:
    body = meta_message("facebook")
    right = meta_signature(body)["x-hub-signature-256"]
    for given in (None, "", "sha256=", "sha1=" + right[7:], right[7:], right[:-1] + "0g", "Ü", right + "00"):
        headers = [] if given is None else [(b"x-hub-signature-256", given.encode())]
        answer = await ingress.client.post("/webhooks/meta/shop-meta", content=body, headers=headers)
        assert_problem(answer, 401, "wrong-signature")
    for headers_of in (meta_signature(body, b"guess"), meta_signature(body + b" "), line_signature(body)):
        assert_problem(await ingress.meta(body, headers_of), 401, "wrong-signature")
    assert await ingress.log() == []


async def test_the_signature_is_over_the_bytes_as_they_came(ingress: RunningIngress) -> None:
    body = b" " + meta_message("facebook").replace(b"hi", b"\\u00fc \\/ \xff")
    assert (await ingress.meta(body, meta_signature(body))).status_code == 200
    assert len(await ingress.log()) == 1


async def test_the_handshake_gives_the_challenge_back(ingress: RunningIngress) -> None:
    hub = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
    answer = await ingress.client.get("/webhooks/meta/shop-meta", params=hub)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_handshake_without_the_token_is_a_403_whatever_else_is_said(ingress: RunningIngress) -> None:
    for token in ("guess", "", VERIFY_TOKEN + " ", "\u00fc\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
        hub = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1"}
        assert_problem(await ingress.client.get("/webhooks/meta/shop-meta", params=hub), 403, "wrong-verify-token")
    assert_problem(await ingress.client.get("/webhooks/meta/shop-meta"), 403, "wrong-verify-token")
    await add(ingress, "no-token", "meta")
    assert_problem(await ingress.client.get("/webhooks/meta/no-token?hub.verify_token="), 403, "wrong-verify-token")


@pytest.mark.parametrize(
    "change", [{"hub.mode": "unsubscribe"}, {"hub.challenge": "a\nb"}, {"hub.challenge": "1" * 5000}]
)
async def test_a_handshake_that_is_none_is_a_422(ingress: RunningIngress, change: dict[str, str]) -> None:
    hub = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"} | change
    assert_problem(await ingress.client.get("/webhooks/meta/shop-meta", params=hub), 422, "invalid-request")


@pytest.mark.parametrize("channel", META_ACCOUNTS)
async def test_a_source_of_one_channel_takes_that_one_alone(ingress: RunningIngress, channel: str) -> None:
    await add(ingress, "one", channel)
    for sent in META_ACCOUNTS:
        body = meta_message(sent)
        assert (await ingress.meta(body, meta_signature(body), "one")).status_code == 200
    assert {event.contact.channel for _, event in await ingress.log() if event.contact} == {channel}


async def test_an_app_of_one_s_own_says_what_it_sends(ingress: RunningIngress) -> None:
    await add(ingress, "sending", "meta", options=SourceOptions(senders={"42": "broadcast"}))
    echo = meta_item_body("facebook", "新品上市")
    item = echo["entry"][0]["messaging"][0]
    item["sender"], item["recipient"] = item["recipient"], item["sender"]
    item["message"] |= {"is_echo": True, "app_id": 42}
    body = orjson.dumps(echo)
    assert (await ingress.meta(body, meta_signature(body), "sending")).status_code == 200
    ((_, event),) = await ingress.log()
    assert (event.type, event.data.purpose) == ("team.message_sent", "broadcast")  # type: ignore[union-attr]


async def test_a_source_of_another_kind_is_none_here(ingress: RunningIngress) -> None:
    body, hub = meta_message("facebook"), {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN}
    for source in ("shop-line", "nobody", "no%00body"):
        assert_problem(await ingress.meta(body, meta_signature(body), source), 404, "not-found")
        assert_problem(await ingress.client.get(f"/webhooks/meta/{source}", params=hub), 404, "not-found")
    line = line_webhook("hi")
    assert_problem(await ingress.line(line, line_signature(line), "shop-meta"), 404, "not-found")


async def test_a_signed_body_that_tells_nothing_is_answered(ingress: RunningIngress) -> None:
    for body in (b'{"object":"page","entry":[]}', b"[]", b"7", b'{"object":"page","entry":[{"messaging":[{}]}]}'):
        assert (await ingress.meta(body, meta_signature(body))).status_code == 200
    assert_problem(await ingress.meta(b"{", meta_signature(b"{")), 400, "malformed-body")


async def test_too_large_a_body_is_a_413(ingress: RunningIngress) -> None:
    body = meta_message("facebook", "x" * 3_000_000)
    assert_problem(await ingress.meta(body, meta_signature(body)), 413, "too-large")


async def test_a_source_past_its_rate_is_told_when_to_come_back(ingress: RunningIngress) -> None:
    await add(ingress, "slow", "meta", options=SourceOptions(rate=0.01))
    body = meta_message("facebook")
    forged = meta_signature(body, b"guess")
    for _ in range(5):
        assert_problem(await ingress.meta(body, forged, "slow"), 401, "wrong-signature")
    assert (await ingress.meta(body, meta_signature(body), "slow")).status_code == 200, (
        "forgeries use up nobody's allowance"
    )
    refused = await ingress.meta(body, meta_signature(body), "slow")
    assert_problem(refused, 429, "too-fast")
    assert 1 <= int(refused.headers["retry-after"]) <= 100
    assert len(await ingress.log()) == 1
    assert (await ingress.meta(body, meta_signature(body))).status_code == 200, "other sources go on"
    ingress.clock.forward(101)
    assert (await ingress.meta(body, meta_signature(body), "slow")).status_code == 200
