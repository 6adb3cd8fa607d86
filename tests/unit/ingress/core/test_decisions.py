"""A decision becomes an event of now, or a reason."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from services.ingress.core.decisions import validate_decision
from services.ingress.core.events import Accepted, EventResult, Rejected, RequestContext

NOW = 1_760_000_000_000
GOOD = {"a": "line:oa1:U1", "b": "contact:web:shop:c:1", "decision": "same", "by": "amy"}


def validated(body: Any, now: int = NOW) -> EventResult:
    return validate_decision(orjson.dumps(body), RequestContext("acme", now, may_set_tenant=False))


def accepted(body: Any, now: int = NOW) -> Accepted:
    outcome = validated(body, now)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def test_it_is_an_event_of_the_first_contact() -> None:
    event = codec.decode(accepted(GOOD | {"note": "same voice"}).raw)
    assert event.contact is not None
    assert (event.tenant, event.contact.key, event.type, event.occurred_at) == (
        "acme",
        "line:oa1:U1",
        "identity.decided",
        NOW,
    )
    assert orjson.loads(codec.data_json(event)) == {
        "other": {"channel": "web", "account": "shop", "uid": "c:1"},
        "decision": "same",
        "by": "amy",
        "note": "same voice",
    }


def test_deciding_the_same_again_later_is_another_event() -> None:
    ids = [accepted(GOOD, now).event.event_id for now in (NOW, NOW, NOW + 1)]
    assert ids[0] == ids[1] != ids[2]
    assert accepted(GOOD | {"event_id": "mine"}).event.event_id == "mine"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"a": None}, "a"),
        ({"a": "member:M7"}, "a"),
        ({"a": "fax:x:y"}, "a"),
        ({"b": 7}, "b"),
        ({"b": "line:oa1:"}, "b"),
        ({"b": "line:oa1:U1"}, "b"),
        ({"decision": "maybe"}, "decision"),
        ({"decision": None}, "decision"),
        ({"by": ""}, "by"),
        ({"by": None}, "by"),
        ({"note": 1}, "note"),
        ({"event_id": 7}, "event_id"),
        ({"tenant": "other"}, "tenant"),
        ({"occurred_at": NOW}, "occurred_at"),
    ],
)
def test_what_is_no_decision_says_where(changes: dict[str, Any], field: str) -> None:
    outcome = validated(GOOD | changes)
    assert isinstance(outcome, Rejected)
    assert outcome.field == field


@given(st.binary(max_size=40) | st.recursive(st.none() | st.text(), st.lists, max_leaves=4).map(orjson.dumps))
def test_nonsense_is_refused(raw: bytes) -> None:
    assert isinstance(validate_decision(raw, RequestContext("acme", NOW, may_set_tenant=False)), Rejected)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "note", "event_id"]), st.none() | st.integers(-9, 9) | st.text(max_size=5))
)
def test_no_combination_raises(changes: dict[str, Any]) -> None:
    validated(GOOD | changes)
