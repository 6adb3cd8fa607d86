"""A policy is data: what a tenant may wish, and the message for what it may not."""

from typing import Any

import pytest

from projections.identity.resolution.policy import DEFAULT_TYPES, InvalidPolicy, Policy, TypeRule


def test_no_wishes_are_the_default_policy() -> None:
    assert Policy.from_json({}) == Policy()


def test_a_whole_policy_reads_back_as_itself() -> None:
    policy = Policy.from_json(
        {"default_region": "HK", "also_blocked": ["vip"], "types": {"x_card": {"limit": 3}, "phone": {"claimed": None}}}
    )
    assert Policy.from_json(policy.to_json()) == policy


def test_wishes_change_only_what_they_name() -> None:
    rule = Policy.from_json({"types": {"line_user": {"exclusive": {"guards": 1}}}}).rule("line_user")
    default = DEFAULT_TYPES["line_user"]
    assert rule is not None
    assert rule.exclusive is not None
    assert (rule.exclusive.scope, rule.exclusive.guards) == ("prefix", 1)
    assert (rule.verified, rule.claimed, rule.limit) == (default.verified, default.claimed, default.limit)


def test_a_tenants_own_type_needs_no_wish() -> None:
    assert Policy().rule("x_card") == TypeRule(verified=2, claimed=3, exclusive=None, limit=10)
    assert Policy().rule("shoe_size") is None


def test_the_default_region_is_the_operators_unless_the_tenant_says_otherwise() -> None:
    assert Policy.from_json({}, "HK").default_region == "HK"
    assert Policy.from_json({"default_region": "SG"}, "HK").default_region == "SG"


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ([], "a JSON object"),
        ({"typos": 1}, "typos"),
        ({"types": []}, "types"),
        ({"types": {"shoe_size": {}}}, "shoe_size"),
        ({"types": {"phone": 3}}, "types.phone"),
        ({"types": {"phone": {"verified": 0}}}, "types.phone.verified"),
        ({"types": {"phone": {"limit": "10"}}}, "types.phone.limit"),
        ({"types": {"contact": {"exclusive": {}}}}, "contact can't be exclusive"),
        ({"default_region": "Taiwan"}, "default_region"),
        ({"blocked": "null"}, "blocked"),
        ({"blocked": ["("]}, "no regular expression"),
        ({"also_blocked": ["(a+)+"]}, "repeats a group"),
        ({"also_blocked": ["a" * 201]}, "200 characters"),
        ({"also_blocked": ["a"] * 1001}, "1000 patterns"),
    ],
)
def test_a_wish_that_cant_be_is_refused_by_name(wishes: Any, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says):
        Policy.from_json(wishes)
