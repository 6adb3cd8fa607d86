"""No body makes ingress raise; what it accepts is what readers of the log will see; and order changes no outcome."""

import json
from dataclasses import replace
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import codec
from schemas.events import Event
from schemas.events.tenant import TenantPolicySet, TenantSegmentSaved
from services.ingress.core.events import (
    Accepted,
    EventResult,
    Rejected,
    RequestContext,
    Unreadable,
    accept,
    filter_refusal,
    parse,
    policy_refusal,
    validate_event,
)
from tests.support.strategies import BASE_MS, DAY_MS, events, odd_json

CONTEXT = RequestContext("demo", BASE_MS + 1000 * DAY_MS, may_set_tenant=True)
MOST = 50
REASONS = {
    *("not_json", "not_an_object", "nul_character", "too_deep", "too_large"),
    *("future_version", "invalid_field", "invalid_time", "wrong_tenant", "no_policy", "no_filter"),
}
FIELDS = st.sampled_from(
    ["event_id", "tenant", "contact", "type", "occurred_at", "source", "schema_version", "intrinsic", "data"]
)
content_types = st.sampled_from(["", "application/json", "application/x-ndjson", "text/plain; charset=utf-8"])


def _fit(event: Event) -> bool:
    """Whether an event of the log may be sent, too: policies and filters that are none are refused at the door."""
    if isinstance(event, TenantPolicySet):
        return policy_refusal(event.data.policy) is None
    return not isinstance(event, TenantSegmentSaved) or event.data.deleted or filter_refusal(event.data.filter) is None


fit = events().filter(_fit)
sent = fit.map(lambda event: json.loads(codec.encode(event)))


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A real event with one field another, or gone."""
    event: dict[str, Any] = draw(sent)
    field = draw(FIELDS)
    if draw(st.booleans()):
        event.pop(field, None)
        return event
    return event | {field: draw(odd_json)}


def check(outcomes: Any) -> None:
    if isinstance(outcomes, Unreadable):
        assert outcomes.detail
        return
    assert [outcome.index for outcome in outcomes] == list(range(len(outcomes)))
    for outcome in outcomes:
        if isinstance(outcome, Accepted):
            assert codec.decode(outcome.raw) == outcome.event
            assert outcome.event.tenant == CONTEXT.tenant
            assert outcome.event.occurred_at <= CONTEXT.received_at + 300_000
        else:
            assert outcome.reason in REASONS
            orjson.dumps([outcome.detail, outcome.field])  # fit for a response: no lone surrogate


@given(st.binary(max_size=200), content_types)
@example(b"{}\n{}\xff", "")
@example(b'[{"a": 1e999}]', "")
def test_any_bytes_have_an_answer(body: bytes, content_type: str) -> None:
    check(accept(body, content_type, CONTEXT, MOST))


@given(st.lists(odd_json | spoilt(), max_size=4), content_types)
def test_any_json_has_an_answer(items: list[Any], content_type: str) -> None:
    check(accept(json.dumps(items).encode(), content_type, CONTEXT, MOST))
    check(accept("\n".join(map(json.dumps, items)).encode(), content_type, CONTEXT, MOST))


@given(st.lists(spoilt(), max_size=4), st.data())
def test_bytes_lost_or_changed_on_the_way_have_an_answer(items: list[Any], data: st.DataObject) -> None:
    body = bytearray("\n".join(map(json.dumps, items)).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(accept(bytes(body), "application/x-ndjson", CONTEXT, MOST))


@given(st.lists(spoilt() | sent, max_size=6))
def test_an_events_outcome_does_not_depend_on_its_neighbours(items: list[Any]) -> None:
    outcomes = accept(json.dumps(items).encode(), "", CONTEXT, MOST)
    assert not isinstance(outcomes, Unreadable)
    alone = [validate_event(parse(json.dumps(item).encode()), index, CONTEXT) for index, item in enumerate(items)]
    assert [gist(one) for one in outcomes] == [gist(one) for one in alone]


def gist(outcome: EventResult) -> tuple[int, Event | str]:
    """What must not depend on neighbours. How a number out of all bounds is put into words may: it takes one text in
    the body that strict JSON refuses to have all of it read by another parser."""
    return (outcome.index, outcome.event if isinstance(outcome, Accepted) else outcome.reason)


@given(fit)
def test_every_event_that_the_log_may_hold_is_accepted_if_its_policy_is_one(event: Event) -> None:
    outcome = validate_event(json.loads(codec.encode(event)), 0, CONTEXT)
    assert isinstance(outcome, Accepted)
    assert outcome.event == event.model_copy(update={"received_at": CONTEXT.received_at})


@given(sent, st.integers(0, 10**9))
def test_a_repeat_is_the_same_event_but_for_the_time_of_receipt(event: dict[str, Any], later: int) -> None:
    event.pop("event_id")
    first = validate_event(event, 0, CONTEXT)
    again = validate_event(event, 0, replace(CONTEXT, received_at=CONTEXT.received_at + later))
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert again.event == first.event.model_copy(update={"received_at": CONTEXT.received_at + later})


@given(spoilt())
def test_a_refusal_never_repeats_a_value(event: dict[str, Any]) -> None:
    marked = event | {"contact": {"channel": "line", "account": "oa1", "uid": "SECRET-UID"}, "source": "SECRET-SOURCE"}
    outcome = validate_event(json.loads(json.dumps(marked)), 0, CONTEXT)
    if isinstance(outcome, Rejected):
        assert "SECRET" not in outcome.detail + outcome.field
