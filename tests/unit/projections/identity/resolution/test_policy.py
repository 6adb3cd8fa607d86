"""A policy is data: what a tenant may set, and the message for what it may not."""

from typing import Any

import pytest

from projections.identity.resolution.policy import DEFAULT_TYPES, InvalidPolicy, Policy, TypeRule

VERIFIED, STATED, CLAIMED = 2, 3, 4


def rule_of(type_name: str, **settings: Any) -> TypeRule:
    rule = Policy.from_json({"types": {type_name: settings}}).rule(type_name)
    assert rule is not None
    return rule


def test_empty_settings_are_the_default_policy() -> None:
    assert Policy.from_json({}) == Policy()


def test_a_whole_policy_reads_back_as_itself() -> None:
    policy = Policy.from_json(
        {"default_region": "HK", "also_blocked": ["vip"], "types": {"x_card": {"limit": 3}, "phone": {"claimed": None}}}
    )
    assert Policy.from_json(policy.to_json()) == policy
    replaced = Policy.from_json({"blocked": ["vip"]})
    assert Policy.from_json(replaced.to_json()) == replaced


@pytest.mark.parametrize(
    ("type_name", "tiers", "limits"),
    [
        ("member_id", (1, 1, 2), (50, 10)),
        ("line_user", (1, None, None), (100, 4)),
        ("facebook_user", (1, None, None), (100, 4)),
        ("instagram_user", (1, None, None), (100, 4)),
        ("whatsapp_user", (1, None, None), (20, 4)),
        ("contact", (2, 2, None), (20, 4)),
        ("phone", (2, 3, 4), (10, 4)),
        ("email", (2, 3, 4), (10, 4)),
        ("x_card", (2, 3, 4), (10, 4)),
    ],
)
def test_the_default_tiers_and_limits(type_name: str, tiers: tuple[int | None, ...], limits: tuple[int, int]) -> None:
    rule = Policy().rule(type_name)
    assert rule is not None
    assert (rule.verified, rule.stated, rule.claimed) == tiers
    assert (rule.limit, rule.claimed_limit) == limits


def test_the_default_exclusive_types_their_scopes_and_what_they_guard() -> None:
    exclusive = {name: rule.exclusive for name, rule in DEFAULT_TYPES.items() if rule.exclusive}
    assert {name: (one.scope, one.guards) for name, one in exclusive.items()} == {
        "member_id": ("tenant", 0),
        "line_user": ("prefix", 2),
        "facebook_user": ("prefix", 2),
        "instagram_user": ("prefix", 2),
    }


def test_settings_change_only_what_they_name() -> None:
    rule, default = rule_of("line_user", exclusive={"guards": 1}), DEFAULT_TYPES["line_user"]
    assert rule.exclusive is not None
    assert (rule.exclusive.scope, rule.exclusive.guards) == ("prefix", 1)
    assert rule.model_copy(update={"exclusive": default.exclusive}) == default


def test_a_new_exclusive_is_of_the_tenant_and_guards_every_tier() -> None:
    exclusive = rule_of("x_card", exclusive={}).exclusive
    assert exclusive is not None
    assert (exclusive.scope, exclusive.guards) == ("tenant", 0)


def test_a_policys_own_type_has_the_rule_of_x_types() -> None:
    assert rule_of("shoe_size") == Policy().rule("x_card") == TypeRule()
    assert Policy().rule("shoe_size") is None


def test_a_tier_is_a_claims_only_if_no_other_assurance_has_it() -> None:
    assert [DEFAULT_TYPES["phone"].is_claim(tier) for tier in (VERIFIED, STATED, CLAIMED)] == [False, False, True]
    assert not rule_of("phone", claimed=STATED).is_claim(STATED)


def test_at_a_claims_tier_the_lesser_of_the_two_limits_counts() -> None:
    assert [rule_of("phone").most_people(tier) for tier in (VERIFIED, STATED, CLAIMED)] == [10, 10, 4]
    assert rule_of("phone", limit=3).most_people(CLAIMED) == 3


def test_the_default_region_is_the_operators_unless_the_tenant_sets_one() -> None:
    assert Policy.from_json({}, "HK").default_region == "HK"
    assert Policy.from_json({"default_region": "SG"}, "HK").default_region == "SG"


def test_blocked_replaces_both_lists_and_also_blocked_adds_to_both() -> None:
    added = Policy.from_json({"also_blocked": ["vip-?[0-9]+"]})
    assert added.is_blocked("phone", "VIP-3")
    assert added.is_blocked("member_id", "vip3")
    assert added.is_blocked("member_id", "guest")
    replaced = Policy.from_json({"blocked": ["vip"]})
    assert replaced.is_blocked("member_id", "vip")
    assert not replaced.is_blocked("member_id", "guest")
    assert not replaced.is_blocked("x_card", "null")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ([], "a JSON object"),
        ({"typos": 1}, "typos"),
        ({"types": []}, "types"),
        ({"types": {"Shoe size": {}}}, "no name of an identifier type"),
        ({"types": {f"x_{number}": {} for number in range(201)}}, "at most 200"),
        ({"types": {"phone": 3}}, "types.phone"),
        ({"types": {"staff": {}}}, "types.staff: links between two contacts have this name"),
        ({"types": {"session": {}}}, "types.session"),
        ({"types": {"phone": {"verified": 0}}}, "types.phone.verified"),
        ({"types": {"phone": {"verified": 10}}}, "types.phone.verified"),
        ({"types": {"phone": {"limit": "10"}}}, "types.phone.limit"),
        ({"types": {"phone": {"limit": True}}}, "types.phone.limit"),
        ({"types": {"phone": {"limit": 1 << 70}}}, "types.phone.limit"),
        ({"types": {"phone": {"weight": 1}}}, "types.phone.weight"),
        ({"types": {"phone": {"exclusive": {"scope": "prefix"}}}}, "phone can't be exclusive by its prefix"),
        ({"types": {"contact": {"exclusive": {}}}}, "contact can't be exclusive"),
        ({"types": {"member_id": {"exclusive": None}}}, "member_id is exclusive"),
        ({"types": {"member_id": {"exclusive": {"guards": 1}}}}, "member_id is exclusive"),
        ({"types": {"member_id": {"exclusive": {"scope": "prefix"}}}}, "member_id is exclusive"),
        ({"shared_device_limit": False}, "shared_device_limit"),
        ({"default_region": "Taiwan"}, "default_region"),
        ({"phones": "any"}, "phones"),
        ({"blocked": "null"}, "blocked"),
        ({"blocked": ["("]}, "no regular expression"),
        ({"also_blocked": [r"(a)\1"]}, "no regular expression"),
        ({"also_blocked": ["(?=a)a"]}, "no regular expression"),
        ({"also_blocked": ["a{4294967296}"]}, "too often"),
        ({"also_blocked": ["(a{999}){999}"]}, "no regular expression"),
        ({"also_blocked": ["a" * 201]}, "200 characters"),
        ({"also_blocked": ["a"] * 1001}, "1000 patterns"),
        ({"also_blocked": ["a" * 200] * 101}, "20,000 characters"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(settings: Any, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says):
        Policy.from_json(settings)


@pytest.mark.parametrize("exclusive", [None, {"guards": 1}, {"scope": "prefix"}, 7])
def test_a_policy_in_the_log_keeps_member_id_exclusive(exclusive: Any) -> None:
    settings = {"types": {"member_id": {"exclusive": exclusive, "limit": 5}}}
    assert Policy.from_log(settings) == Policy.from_json({"types": {"member_id": {"limit": 5}}})


@pytest.mark.parametrize("name", ["staff", "session"])
def test_a_policy_in_the_log_has_no_type_whose_name_is_taken(name: str) -> None:
    policy = Policy.from_log({"types": {name: {"verified": 1}, "x_card": {"limit": 7}}})
    assert policy == Policy.from_json({"types": {"x_card": {"limit": 7}}})
    assert policy.rule(name) is None


def test_a_policy_in_the_log_is_otherwise_checked_as_any() -> None:
    with pytest.raises(InvalidPolicy):
        Policy.from_log({"types": {"member_id": {"limit": 0}}})
    assert Policy.from_log({"types": {"x_card": {"limit": 7}}}) == Policy.from_json({"types": {"x_card": {"limit": 7}}})
