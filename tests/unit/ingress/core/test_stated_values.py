"""A value that is no evidence is warned of; every other is not."""

import pytest
from hypothesis import given

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from schemas import codec
from schemas.events import Event
from services.ingress.core.stated_values import StatedValue, values_in, warning_of
from tests.support.strategies import events

CONTACT = {"channel": "web", "account": "shop", "uid": "c1"}
KEY = "web:shop:c1"


def _event(type_name: str, data: dict[str, object], **more: object) -> Event:
    at = {"occurred_at": 1_760_000_000_000, "received_at": 1_760_000_000_000}
    event = {"event_id": "e1", "tenant": "acme", "source": "api", "contact": CONTACT, "type": type_name, "data": data}
    return codec.from_dict(event | at | more)


def _phone(value: str) -> dict[str, str]:
    return {"type": "phone", "value": value}


def test_the_values_of_a_binding_are_looked_at() -> None:
    for type_name in ("identity.bound", "identity.unbound"):
        event = _event(type_name, {"identifiers": [_phone("+551"), _phone("+886911111111"), _phone("+551")]})
        assert values_in([event]) == (
            StatedValue(KEY, "phone", "+551"),
            StatedValue(KEY, "phone", "+886911111111"),
        )


def test_an_intrinsic_value_is_looked_at_on_any_event() -> None:
    event = _event("tag.added", {"tag": "VIP"}, intrinsic=[{"type": "member_id", "value": "guest"}])
    assert values_in([event]) == (StatedValue(KEY, "member_id", "guest", intrinsic=True),)


def test_both_sides_of_a_merge_are_looked_at() -> None:
    event = _event("member.merged", {"member_id": "M7", "into": "null"}, contact=None)
    assert values_in([event]) == (StatedValue(None, "member_id", "M7"), StatedValue(None, "member_id", "null"))
    assert values_in([_event("member.merged", {"member_id": "M7"}, contact=None)])[1:] == ()


def test_an_event_without_identifiers_states_no_values() -> None:
    assert values_in([_event("tag.added", {"tag": "VIP"}), _event("web.beeped", {"identifiers": [_phone("1")]})]) == ()


@pytest.mark.parametrize(
    ("stated", "reason", "detail"),
    [
        (StatedValue(KEY, "phone", "+551"), "no_value", "the phone +551 is no valid number"),
        (StatedValue(KEY, "member_id", "Guest"), "blocked", "the member id Guest is on the block list"),
        (StatedValue(None, "member_id", " "), "no_value", "the member id is empty"),
        (StatedValue(KEY, "shoe_size", "42"), "no_value", "shoe_size is no type of identifier"),
    ],
)
def test_a_warning_says_which_value_of_whom_and_why(stated: StatedValue, reason: str, detail: str) -> None:
    warning = warning_of(stated, Policy())
    assert warning is not None
    assert warning == (*stated[:3], reason, detail)


def test_a_phone_is_read_by_the_tenants_region() -> None:
    stated = StatedValue(KEY, "phone", "81234567")
    assert warning_of(stated, Policy(default_region="SG")) is None
    assert warning_of(stated, Policy(default_region="TW")) is not None


def test_a_phone_that_the_channel_vouches_for_is_evidence_though_it_cannot_be_read() -> None:
    assert warning_of(StatedValue(KEY, "phone", "+8869", intrinsic=True), Policy()) is None
    assert warning_of(StatedValue(KEY, "phone", "+8869"), Policy()) is not None


@given(events())
def test_a_value_is_warned_of_exactly_where_the_rules_set_it_aside(event: Event) -> None:
    for stated in values_in([event]):
        evidence = isinstance(normalise(stated.type, stated.value, Policy(), intrinsic=stated.intrinsic), Normalised)
        assert (warning_of(stated, Policy()) is None) == evidence
