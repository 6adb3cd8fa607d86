"""What people read of a value that is no evidence."""

import pytest

from projections.identity.resolution.links import SetAsideReason
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.resolution.values import normalise

POLICY = Policy.from_json({"also_blocked": ["vip"]})


@pytest.mark.parametrize(
    ("type_name", "value", "detail"),
    [
        ("phone", " +551 ", "the phone +551 is no valid number"),
        ("email", "ming.example.com", "the e-mail ming.example.com is no valid address"),
        ("contact", "telegram:a:b", "the contact telegram:a:b is no contact key, channel:account:uid"),
        ("line_user", "U1", "the line_user U1 is not of the form scope:id"),
        ("member_id", "  ", "the member id is empty"),
        ("member_id", "guest", "the member id guest is on the block list"),
        ("x_card", "VIP", "the x_card VIP is on the block list"),
        ("telegram_user", "7", "telegram_user is no type of identifier"),
    ],
)
def test_a_value_that_is_no_evidence_says_why(type_name: str, value: str, detail: str) -> None:
    reason = normalise(type_name, value, POLICY)
    assert isinstance(reason, str)
    assert detail_of(type_name, value, reason, POLICY) == detail


@pytest.mark.parametrize("reason", ["no_value", "blocked", "too_many_claims"])
def test_a_long_value_is_cut(reason: SetAsideReason) -> None:
    assert len(detail_of("phone", "9" * 512, reason, POLICY)) < 200
