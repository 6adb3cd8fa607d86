"""No record makes ingress raise; a repeat is the same events; what is refused is never repeated in the answer."""

import json
from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.members import Member, Terms, validate_member
from services.ingress.core.statements import AcceptedItem
from tests.support.strategies import BASE_MS, DAY_MS, odd_json

CONTEXT = RequestContext("demo", BASE_MS + 1000 * DAY_MS, may_set_tenant=False)
terms = st.builds(
    Terms,
    account=st.sampled_from(["crm", "pos"]) | st.text(max_size=5),
    key=st.none() | st.text(min_size=1, max_size=5),
    member_id=st.none() | st.text(max_size=5),
)
words = st.text(max_size=6)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
plausible = st.fixed_dictionaries(
    {"member_id": st.sampled_from(["M7", "M8", " 9 "]) | st.integers()},
    optional={
        "event_id": words,
        "updated_at": st.integers(BASE_MS, BASE_MS + 2000 * DAY_MS),
        "phone": words
        | st.builds(lambda value, verified: {"value": value, "verified": verified}, words, st.booleans()),
        "email": words,
        "display_name": words,
        "unbind": st.lists(st.builds(lambda value: {"type": "phone", "value": value}, words), max_size=2),
        "tags": st.fixed_dictionaries(
            {}, optional={"add": st.lists(words, max_size=3), "remove": st.lists(words, max_size=3)}
        ),
        "attributes": st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True) | words, values, max_size=3),
    },
)
spoilt = st.dictionaries(st.sampled_from(sorted(Member.model_fields)) | st.text(max_size=4), odd_json, max_size=4)


@given(odd_json | spoilt | st.builds(lambda one, other: one | other, plausible, spoilt) | plausible, terms)
def test_any_json_becomes_events_of_one_contact_or_a_reason(record: Any, given_terms: Terms) -> None:
    outcome = validate_member(json.loads(json.dumps(record)), 0, CONTEXT, given_terms)
    if isinstance(outcome, Rejected):
        assert outcome.reason
        orjson.dumps([outcome.detail, outcome.field])  # fit for a response: no lone surrogate
        return
    assert outcome.parts
    for part in outcome.parts:
        event = codec.decode(part.raw)
        assert event == part.event
        assert event.contact is not None
        assert (event.tenant, event.contact.channel) == ("demo", "crm")
        assert [(one.type, one.value) for one in event.intrinsic] == [("member_id", event.contact.uid)]
        assert event.contact.uid == event.contact.uid.strip()
    event_ids = [event.event_id for event in outcome.events]
    assert event_ids == sorted(set(event_ids))


@given(plausible, terms, st.integers(0, 10**9))
def test_a_repeat_is_the_same_events_but_for_the_time_of_receipt(record: Any, said: Terms, later: int) -> None:
    named = said if record.keys() & {"event_id", "updated_at"} else replace(said, key="k")
    first = validate_member(record, 0, CONTEXT, named)
    again = validate_member(record, 0, replace(CONTEXT, received_at=CONTEXT.received_at + later), named)
    if isinstance(first, AcceptedItem) and isinstance(again, AcceptedItem):
        assert [event.event_id for event in first.events] == [event.event_id for event in again.events]
        assert [event.data for event in first.events] == [event.data for event in again.events]
    else:
        assert isinstance(first, Rejected)
        assert isinstance(again, Rejected)
        assert first.reason == again.reason


@given(spoilt)
def test_a_refusal_never_repeats_a_value(record: dict[str, Any]) -> None:
    marked = record | {"member_id": "SECRET-ID", "phone": "SECRET-PHONE"}
    outcome = validate_member(json.loads(json.dumps(marked)), 0, CONTEXT, Terms())
    if isinstance(outcome, Rejected):
        assert "SECRET" not in outcome.detail + outcome.field
