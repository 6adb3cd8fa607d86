"""A list's entry becomes the message of a send to one contact, the same each time, or a reason."""

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.events import Event
from services.ingress.core.campaigns import Send, check, is_head, validate_entry
from services.ingress.core.events import Accepted, Malformed, Rejected, RequestContext
from services.ingress.core.requests import Refused
from tests.support.strategies import odd_json

NOW = 1_760_000_000_000
CONTEXT = RequestContext("acme", NOW, may_set_tenant=False)
SEND = Send("autumn", text="Hello")


def event_of(entry: Any, send: Send = SEND, context: RequestContext = CONTEXT) -> Event:
    outcome = validate_entry(entry, 1, send, context)
    assert isinstance(outcome, Accepted), outcome
    return outcome.event


def test_an_entry_is_the_message_to_its_contact() -> None:
    send = replace(SEND, purpose="cart_remarketing", agent="amy", sent_at=NOW - 9)
    event = event_of({"contact": "line:oa1:U:1", "text": "Hi Ming", "message_id": "m1"}, send)
    assert event.contact is not None
    assert (event.tenant, event.contact.key, event.type, event.occurred_at) == (
        "acme",
        "line:oa1:U:1",
        "team.message_sent",
        NOW - 9,
    )
    assert orjson.loads(codec.data_json(event)) == {
        "purpose": "cart_remarketing",
        "message_id": "m1",
        "agent": "amy",
        "campaign": "autumn",
        "text": "Hi Ming",
        "payload": {},
    }


def test_a_contact_has_one_id_in_a_send_however_it_is_named() -> None:
    named = [
        {"contact": "web:s:1"},
        {"contact": "contact:web:s:1", "text": "other"},
        {"contact": {"channel": "web", "account": "s", "uid": "1"}},
        {"uid": "1", "account": "s", "channel": "web"},
    ]
    assert len({event_of(entry).event_id for entry in named}) == 1
    (entry, *_) = named
    assert event_of(entry, context=replace(CONTEXT, received_at=NOW + 9)).event_id == event_of(entry).event_id
    spelled = [{"contact": f"whatsapp:n1:{uid}"} for uid in ("5215512345678", "525512345678", "+525512345678")]
    assert len({event_of(entry).event_id for entry in spelled}) == 1
    others = [replace(SEND, campaign="b"), replace(SEND, send_id="2")]
    assert len({event_of(entry, send).event_id for send in (SEND, *others)}) == 3
    assert event_of(entry, replace(SEND, send_id="autumn")).event_id == event_of(entry).event_id
    assert event_of({"contact": "web:s:2"}).event_id != event_of(entry).event_id


def test_messages_of_different_ids_are_different_events_of_one_send() -> None:
    lines = [{"contact": "web:s:1", "message_id": given, "text": text} for given in ("m1", "m2") for text in "ab"]
    assert len({event_of(line).event_id for line in lines}) == 2


def test_the_first_line_may_say_what_all_have_in_common() -> None:
    head = {"purpose": "bot", "text": "Hello again", "send_id": "s2"}
    assert is_head(head)
    assert not is_head({"contact": "web:s:1"})
    assert not is_head({"uid": "1"})
    assert not is_head(Malformed("x"))
    assert SEND.amended(head) == Send("autumn", purpose="bot", text="Hello again", send_id="s2")
    with pytest.raises(Refused) as refused:
        SEND.amended({"porpoise": "bot"})
    assert refused.value.field == "porpoise"


@pytest.mark.parametrize(
    ("send", "field"),
    [
        (Send("x" * 256), "campaign"),
        (Send(""), "campaign"),
        (replace(SEND, purpose="spam"), "purpose"),
        (replace(SEND, purpose=None), "purpose"),
        (replace(SEND, agent=""), "agent"),
        (replace(SEND, text=7), "text"),
        (replace(SEND, send_id=""), "send_id"),
        (replace(SEND, send_id=[]), "send_id"),
    ],
)
def test_terms_that_no_message_can_have_are_refused_at_once(send: Send, field: str) -> None:
    check(SEND, CONTEXT)
    with pytest.raises(Refused) as refused:
        check(send, CONTEXT)
    assert refused.value.field == field


@pytest.mark.parametrize("sent_at", ["2025-10-09T08:53:20Z", "Thu, 09 Oct 2025 08:53:20 GMT", NOW // 1000, str(NOW)])
def test_a_send_happened_when_it_says_in_any_spelling(sent_at: Any) -> None:
    send = replace(SEND, sent_at=sent_at)
    context = replace(CONTEXT, received_at=NOW + 9)
    check(send, context)
    event = event_of({"contact": "web:s:1"}, send, context)
    assert (event.occurred_at, event.data.payload, send.unread) == (NOW, {}, {})  # type: ignore[union-attr]  # of a message


@pytest.mark.parametrize("sent_at", ["today", "03/04/2026", 17, True, [NOW]], ids=repr)
def test_a_time_that_cannot_be_read_is_kept_by_each_message(sent_at: Any) -> None:
    send = replace(SEND, sent_at=sent_at)
    check(send, CONTEXT)
    event = event_of({"contact": "web:s:1"}, send)
    assert event.occurred_at == NOW
    assert orjson.loads(codec.data_json(event))["payload"] == {"unread": {"sent_at": sent_at}}


@pytest.mark.parametrize(
    ("entry", "reason", "field"),
    [
        (Malformed("no JSON"), "malformed_line", ""),
        ([], "not_an_object", ""),
        ({"text": "hi"}, "invalid_field", "channel"),
        ({"contact": "U1"}, "invalid_contact", "contact"),
        ({"contact": 1}, "invalid_contact", "contact"),
        ({"contact": "fax:s:1"}, "invalid_field", "channel"),
        ({"contact": "web:s:1", "uid": "1"}, "invalid_contact", "contact"),
        ({"channel": "web", "account": "s"}, "invalid_field", "uid"),
        ({"contact": "web:s:1", "text": 1}, "invalid_field", "text"),
        ({"contact": "web:s:1", "message_id": ""}, "invalid_field", "message_id"),
        ({"contact": "web:s:1", "purpose": "bot"}, "unknown_field", "purpose"),
        ({"contact": "web:s:1", "text": "x" * 300_000}, "too_large", ""),
    ],
)
def test_an_entry_that_is_no_message_says_why(entry: Any, reason: str, field: str) -> None:
    outcome = validate_entry(entry, 7, SEND, CONTEXT)
    assert isinstance(outcome, Rejected)
    assert (outcome.index, outcome.reason, outcome.field) == (7, reason, field)


names = st.sampled_from(["contact", "channel", "account", "uid", "text", "message_id", "x"])


@given(odd_json | st.dictionaries(names, odd_json | st.sampled_from(["web:s:1", "web", "1"])), st.none() | odd_json)
def test_no_entry_raises(entry: Any, send_id: Any) -> None:
    outcome = validate_entry(json.loads(json.dumps(entry)), 1, replace(SEND, send_id=send_id), CONTEXT)
    if isinstance(outcome, Accepted):
        assert codec.decode(outcome.raw) == outcome.event
    else:
        orjson.dumps([outcome.detail, outcome.field])


@given(st.dictionaries(st.sampled_from(["purpose", "agent", "text", "send_id", "sent_at", "x"]), odd_json))
def test_no_first_line_raises_anything_but_a_refusal(head: dict[str, Any]) -> None:
    try:
        check(SEND.amended(json.loads(json.dumps(head))), CONTEXT)
    except Refused as refusal:
        orjson.dumps([refusal.detail, refusal.field])
