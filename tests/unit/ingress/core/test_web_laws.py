"""No message makes the translator raise, nothing it returns is refused by the log, and a replay has the same ids."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from services.ingress.core.normalize import MalformedBody
from services.ingress.core.segment import BATCHES, CALLS, BatchTooLarge, segment_batch, write_key_in
from services.ingress.core.translated import Translated
from services.ingress.core.web import Delivery, translate
from tests.support.strategies import odd_json
from tests.support.web_bodies import CONTEXT, MEMBER, RECEIVED_AT, SITE, VISITOR, message

KINDS = st.sampled_from(["identify", "track", "page", "screen", "alias", "group", "merge", "scrolled", "tracked"])
TRAITS = {"email": "a@example.tw", "phone": "0912345678", "name": "A", "points": 3, "address": {"city": "台中"}}
EXTERNAL = {"externalIds": [{"id": "7", "type": "x_card"}, {"id": MEMBER, "type": "user_id"}], "traits": TRAITS}
REAL = st.builds(
    lambda kind, anonymous_id, user_id, context: message(
        kind,
        anonymousId=anonymous_id,
        userId=user_id,
        event="Paid",
        traits=TRAITS,
        properties={"a": 1},
        previousId="old",
        context=context,
    ),
    KINDS,
    st.sampled_from([VISITOR, None, "user:M7"]),
    st.sampled_from([MEMBER, None, 7]),
    st.sampled_from([CONTEXT, CONTEXT | EXTERNAL, None]),
)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A real message in which one value somewhere is another, or is gone."""
    drawn = copy.deepcopy(draw(REAL))
    inner = draw(st.sampled_from([value for value in [drawn, *drawn.values()] if isinstance(value, dict) and value]))
    name = draw(st.sampled_from(sorted(inner)))
    inner[name] = draw(odd_json)
    if draw(st.booleans()):
        del inner[name]
    return drawn


def _translate(messages: list[Any], received_at: int = RECEIVED_AT, **shared: Any) -> Translated:
    return translate(messages, SITE, Delivery(received_at, **shared))


def _check(messages: list[Any], **shared: Any) -> None:
    before = repr(messages)
    outcome = _translate(messages, **shared)
    assert repr(messages) == before
    assert {one.reason for one in outcome.ignored} <= {"not_an_object", "no_id", "unsigned", "too_large"}
    for event in outcome.events:
        assert codec.decode(codec.encode(event)) == event
        assert event.contact is not None
        assert event.intrinsic == []
    ids = [(event.contact, event.event_id) for event in outcome.events]
    assert len(messages) != 1 or len(set(ids)) == len(ids)


@given(st.lists(odd_json, max_size=3), odd_json, odd_json)
def test_any_messages_are_translated_without_a_word(messages: list[Any], sent_at: Any, context: Any) -> None:
    _check(messages, sent_at=sent_at, context=context)


@given(_mutated(), st.sampled_from([*CALLS.values(), None]))
def test_a_real_message_gone_wrong_is_events_or_ignored(one: Any, call: str | None) -> None:
    _check([one], call=call)
    outcome = _translate([one], call=call)
    assert bool(outcome.events) != bool(outcome.ignored)


@given(odd_json, st.sampled_from([*CALLS, *BATCHES]))
def test_any_body_is_a_batch_or_refused(body: Any, name: str) -> None:
    write_key_in(body)
    try:
        brought = segment_batch(name, body, RECEIVED_AT)
    except (MalformedBody, BatchTooLarge):
        return
    translate(brought.messages, SITE, brought.delivery)


@given(_mutated(), st.integers(0, 10_000), st.sampled_from(["2025-11-06T04:00:01Z", None]))
def test_a_replay_has_the_same_ids(one: Any, later: int, sent_at: str | None) -> None:
    """Sent again later, by a client that says so, in a batch behind another message."""
    timeless = one.get("timestamp") is None and one.get("originalTimestamp") is None
    if timeless and "messageId" not in one:
        one["messageId"] = "m1"
    again = one | {"sentAt": sent_at, "_metadata": {"retryCount": 2}}
    first = [event.event_id for event in _translate([one]).events if not event.event_id.startswith("web:day:")]
    outcome = translate([message("page", messageId="other"), again], SITE, Delivery(RECEIVED_AT + later))
    second = [event.event_id for event in outcome.events if not event.event_id.startswith("web:day:")]
    assert second[1:] == first
