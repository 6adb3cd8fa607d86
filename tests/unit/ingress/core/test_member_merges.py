"""A merge of two member ids becomes one event of the tenant, or is refused with a reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.policy import Policy
from schemas.events import Event
from services.ingress.core.events import Malformed, Rejected, RequestContext
from services.ingress.core.member_merges import MergeTerms, validate_entry, validate_merge, validate_undo
from services.ingress.core.statements import AcceptedItem
from tests.support.strategies import odd_json

NOW = 1_760_000_000_000
CONTEXT = RequestContext("acme", NOW, may_set_tenant=False)
TERMS = MergeTerms(None, Policy())


def _event(outcome: AcceptedItem | Rejected) -> Event:
    assert not isinstance(outcome, Rejected), outcome
    (event,) = outcome.events
    return event


def _data(outcome: AcceptedItem | Rejected) -> dict[str, Any]:
    data: dict[str, Any] = _event(outcome).model_dump()["data"]
    return data


def test_a_merge_is_an_event_of_the_tenant_that_occurs_now() -> None:
    event = _event(validate_merge(" M7 ", {"into": " N7 ", "by": "amy"}, CONTEXT, TERMS))
    assert (event.type, event.contact, event.tenant, event.occurred_at) == ("member.merged", None, "acme", NOW)
    assert event.model_dump()["data"] == {"member_id": "M7", "into": "N7", "by": "amy"}


def test_a_member_id_may_be_a_number() -> None:
    assert _data(validate_merge("M7", {"into": 70}, CONTEXT, TERMS))["into"] == "70"
    assert _data(validate_entry({"member_id": 7, "into": 70}, 1, CONTEXT, TERMS))["member_id"] == "7"


def test_an_undo_merges_into_nothing() -> None:
    assert _data(validate_undo("M7", "amy", CONTEXT, TERMS)) == {"member_id": "M7", "into": None, "by": "amy"}


@pytest.mark.parametrize(
    ("member_id", "body", "reason", "field"),
    [
        ("guest", {"into": "N7"}, "blocked", "member_id"),
        ("  ", {"into": "N7"}, "no_value", "member_id"),
        ("M7", {"into": "undefined"}, "blocked", "into"),
        ("M7", {"into": ""}, "no_value", "into"),
        ("M7", {"into": "M7 "}, "same_member", "into"),
        ("M7", {"into": None}, "invalid_field", "into"),
        ("M7", {}, "invalid_field", "into"),
        ("M7", {"into": "N7", "by": ""}, "invalid_field", "by"),
        ("M7", {"into": "N7", "from": "M7"}, "unknown_field", "from"),
        ("M7", [], "not_an_object", ""),
        ("M" * 513, {"into": "N7"}, "invalid_field", ""),
    ],
)
def test_what_is_no_merge_is_refused_with_its_field(member_id: str, body: Any, reason: str, field: str) -> None:
    outcome = validate_merge(member_id, body, CONTEXT, TERMS)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.field) == (reason, field)


def test_a_tenants_own_block_list_decides() -> None:
    terms = MergeTerms(None, Policy.from_json({"blocked": ["staff-.*"]}))
    assert isinstance(validate_merge("staff-1", {"into": "N7"}, CONTEXT, terms), Rejected)
    assert _data(validate_merge("guest", {"into": "N7"}, CONTEXT, terms))["member_id"] == "guest"


def test_junk_can_be_merged_no_more_than_taken_back() -> None:
    outcome = validate_undo("guest", None, CONTEXT, TERMS)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "the member id guest is on the block list"


def test_a_line_of_a_list_may_take_a_merge_back_only_by_saying_so() -> None:
    assert _data(validate_entry({"member_id": "M7", "into": None}, 4, CONTEXT, TERMS))["into"] is None
    left_out = validate_entry({"member_id": "M7"}, 4, CONTEXT, TERMS)
    assert isinstance(left_out, Rejected)
    assert (left_out.index, left_out.field) == (4, "into")


def test_the_same_command_with_the_same_key_is_the_same_event() -> None:
    later = RequestContext("acme", NOW + 1, may_set_tenant=False)
    keyed = MergeTerms("k1", Policy())
    ids = {_event(validate_merge("M7", {"into": "N7"}, one, keyed)).event_id for one in (CONTEXT, later)}
    assert len(ids) == 1
    assert _event(validate_merge("M7", {"into": "N8"}, CONTEXT, keyed)).event_id not in ids
    assert _event(validate_merge("M7", {"into": "N7"}, CONTEXT, MergeTerms("k2", Policy()))).event_id not in ids


def test_without_a_key_a_merge_that_was_taken_back_can_be_made_again() -> None:
    later = RequestContext("acme", NOW + 2, may_set_tenant=False)
    ids = {_event(validate_merge("M7", {"into": "N7"}, one, TERMS)).event_id for one in (CONTEXT, later)}
    assert len(ids) == 2


def test_of_two_lines_about_a_member_id_the_later_counts() -> None:
    lines = [validate_entry({"member_id": "M7", "into": f"N{number}"}, number, CONTEXT, TERMS) for number in range(20)]
    stamps = [_event(line).stamp for line in lines]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) == 20


def test_a_line_that_could_not_be_read_is_refused() -> None:
    outcome = validate_entry(Malformed("the line is too long"), 3, CONTEXT, TERMS)
    assert outcome == Rejected(3, "malformed_line", "the line is too long")


@given(st.text(max_size=20), odd_json)
def test_no_request_raises(member_id: str, body: Any) -> None:
    for outcome in (
        validate_merge(member_id, body, CONTEXT, TERMS),
        validate_undo(member_id, member_id or None, CONTEXT, TERMS),
        validate_entry(body, 1, CONTEXT, TERMS),
        validate_entry({"member_id": member_id, "into": body}, 1, CONTEXT, TERMS),
    ):
        assert isinstance(outcome, Rejected) or _event(outcome).type == "member.merged"
