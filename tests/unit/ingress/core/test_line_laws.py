"""No webhook makes the translator raise, and nothing it returns is refused by the log."""

import copy
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.events import Identifier
from services.ingress.core.line import translate
from services.ingress.core.normalize import MalformedBody, lenient_json, parsed_body
from services.ingress.core.translated import Translated
from tests.support.line_bodies import GROUP, RECEIVED_AT, TEXT, USER, entry
from tests.support.strategies import json_values, odd_json

FIELDS = st.sampled_from(
    ["type", "mode", "timestamp", "source", "webhookEventId", "deliveryContext", "message", "postback", "follow"]
)
TYPES = st.sampled_from(
    ["message", "messageEdited", "unsend", "follow", "unfollow", "postback", "beacon", "memberJoined"]
)
REAL = st.builds(
    lambda type_name, source: entry(
        type_name, source=source, message=TEXT, postback={"data": "a=b"}, unsend={"messageId": "1"}
    ),
    TYPES,
    st.sampled_from([USER, GROUP, GROUP | USER]),
)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A real entry in which one value somewhere is another, or is gone."""
    given_entry = copy.deepcopy(draw(REAL)) | draw(st.dictionaries(FIELDS, odd_json, max_size=1))
    inner = draw(st.sampled_from([value for value in [given_entry, *given_entry.values()] if isinstance(value, dict)]))
    if inner:
        name = draw(st.sampled_from(sorted(inner)))
        inner[name] = draw(odd_json)
        if draw(st.booleans()):
            del inner[name]
    return given_entry


def _translate(body: Any, *, plain: bool = False) -> Translated:
    return translate(
        body,
        tenant="demo",
        source="line-main",
        account=None,
        provider="provider",
        received_at=RECEIVED_AT,
        plain=plain,
    )


def _check(body: Any) -> None:
    before = copy.deepcopy(body)
    outcome = _translate(body)
    assert repr(body) == repr(before)
    entries = body.get("events") if isinstance(body, dict) else None
    if isinstance(entries, list):
        assert len(outcome.events) + len(outcome.ignored) == len(entries)
    else:
        assert outcome.events == ()
    for event in outcome.events:
        assert codec.decode(codec.encode(event)) == event
        vouched = [Identifier(type="line_user", value=f"provider:{event.contact.uid}")] if event.contact else []
        assert event.intrinsic == vouched


@given(odd_json)
def test_any_json_is_translated_without_a_word(body: Any) -> None:
    _check(body)


@given(st.lists(odd_json, max_size=4), odd_json)
def test_any_entries_are_each_accounted_for(entries: list[Any], destination: Any) -> None:
    _check({"destination": destination, "events": entries})


@given(st.lists(_mutated(), max_size=4), st.sampled_from(["U0tea", "a:b", None]))
def test_real_entries_gone_wrong_are_each_accounted_for(entries: list[Any], destination: Any) -> None:
    _check({"destination": destination, "events": entries})


@given(_mutated())
def test_a_repeat_is_the_same_event(given_entry: dict[str, Any]) -> None:
    again = given_entry | {"deliveryContext": {"isRedelivery": True}, "replyToken": "another"}
    body = {"destination": "U0tea", "events": [given_entry, again]}
    outcome = _translate(body)
    assert len(outcome.events) == 2
    assert codec.encode(outcome.events[0]) == codec.encode(outcome.events[1])


@given(st.lists(REAL | json_values, max_size=2))
def test_a_plain_body_gives_the_same_events_without_being_cleaned(entries: list[Any]) -> None:
    body = parsed_body(orjson.dumps({"destination": "U0tea", "events": entries}))
    assert _translate(body.value, plain=body.plain) == _translate(body.value)


@given(st.lists(REAL, max_size=3), st.integers(0, 2_000), st.binary(max_size=3))
def test_a_damaged_body_is_refused_or_translated(entries: list[Any], place: int, damage: bytes) -> None:
    raw = orjson.dumps({"destination": "U0tea", "events": entries})
    place %= len(raw)
    try:
        body = lenient_json(raw[:place] + damage + raw[place + len(damage) :])
    except MalformedBody:
        return
    _check(body)
