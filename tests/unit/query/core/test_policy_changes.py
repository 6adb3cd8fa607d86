"""What a policy changes against another one."""

from typing import Any

import pytest

from projections.identity.resolution.policy import Policy
from services.query.core.policy_changes import policy_changes


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found = policy_changes(Policy.from_json(before), Policy.from_json(after))
    return {one.part: (one.before, one.after) for one in found}


def test_the_same_policy_written_in_two_ways_changes_nothing() -> None:
    assert changes({}, Policy().to_json()) == {}
    assert changes({}, {"types": {"phone": {"limit": 10}, "x_card": {}}}) == {}  # what they are anyway


@pytest.mark.parametrize(
    ("before", "after", "part", "sides"),
    [
        ({}, {"types": {"phone": {"limit": 4}}}, "types.phone.limit", (10, 4)),
        ({}, {"types": {"phone": {"claimed": None}}}, "types.phone.claimed", (4, None)),
        ({"phones": "possible"}, {}, "phones", ("possible", "valid")),
        ({}, {"types": {"x_card": {"limit": 4}}}, "types.x_card.limit", (10, 4)),
        ({"types": {"x_card": {"limit": 4}}}, {}, "types.x_card.limit", (4, 10)),
        ({"blocked": ["a", "b"]}, {"blocked": ["b", "c"]}, "blocked", (["a"], ["c"])),
        (
            {},
            {"types": {"email": {"exclusive": {}}}},
            "types.email.exclusive",
            (None, {"scope": "tenant", "guards": 0}),
        ),
    ],
)
def test_a_part_is_named_with_both_sides(
    before: dict[str, Any], after: dict[str, Any], part: str, sides: tuple[Any, Any]
) -> None:
    assert changes(before, after) == {part: sides}


def test_a_type_that_only_one_side_has_is_shown_whole() -> None:
    (sides,) = changes({}, {"types": {"shoe_size": {}}}).values()
    assert sides == (None, Policy.from_json({"types": {"shoe_size": {}}}).to_json()["types"]["shoe_size"])
