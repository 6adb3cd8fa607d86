"""Whoever writes policies and values: reading them raises nothing unexpected, and takes no more than linear time."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from projections.identity.resolution.block_list import BlockList, InvalidPattern
from projections.identity.resolution.policy import DEFAULT_TYPES, InvalidPolicy, Policy
from projections.identity.resolution.values import normalise
from tests.support.histories import patient

any_text = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
any_json: SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4), max_leaves=15
)
pieces = st.sampled_from(
    [*"()[]{}|*+?.^$\\,-:=!<>019aKß訪", "(?:", "(?i)", "(?P<n>", r"\d", r"\pL", "{1000}", "{9,}", r"\Q"]
)
patterns = st.lists(pieces, max_size=20).map("".join) | any_text
rules = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("verified", "stated", "claimed", "limit", "claimed_limit"), scalars | st.integers(0, 12)),
        "exclusive": any_json | st.fixed_dictionaries({}, optional={"scope": st.sampled_from(["tenant", "prefix"])}),
    },
)
nearly_policies = st.fixed_dictionaries(
    {},
    optional={
        "types": any_json
        | st.dictionaries(st.sampled_from([*DEFAULT_TYPES, "x_card", "club", "staff"]) | any_text, rules | any_json),
        "blocked": st.lists(patterns) | any_json,
        "also_blocked": st.lists(patterns) | any_json,
        "blocked_member_ids": st.lists(patterns) | any_json,
        "default_region": any_json | st.sampled_from(["TW", "ZZ"]),
        "shared_device_limit": scalars,
        "phones": any_json,
    },
)
type_names = st.sampled_from([*DEFAULT_TYPES, "x_card", "shoe_size"])
value_pieces = st.sampled_from(
    ["@", ".", ":", "|", " ", "+", "00", "886", "9", "xn--", "web", "İ", "ß", "。", "\u200d", "\ud800", "٣", "²"]
)
values = any_text | st.lists(value_pieces, max_size=40).map("".join)
LONG = 300_000


@given(any_json | nearly_policies)
@patient
def test_reading_a_policy_raises_nothing_but_invalid_policy(settings: Any) -> None:
    for read in (Policy.from_json, Policy.from_log):
        with suppress(InvalidPolicy):
            assert read(read(settings).to_json()) == read(settings)


@given(any_json | nearly_policies)
@patient
def test_the_message_about_an_invalid_policy_is_short_and_can_be_printed(settings: Any) -> None:
    assert len(refusal_of(settings).encode()) < 1_000


def refusal_of(settings: Any) -> str:
    """Why the settings are no policy; "" if they are one."""
    try:
        Policy.from_json(settings)
    except InvalidPolicy as error:
        return str(error)
    return ""


@given(st.lists(patterns, max_size=3), values)
@patient
def test_matching_a_block_list_never_raises(several: list[str], value: str) -> None:
    with suppress(InvalidPattern):
        BlockList(several).blocks(value)


@given(type_names, values, st.booleans(), st.sampled_from(["TW", "BR", "ZZ"]))
@patient
def test_normalising_never_raises_and_a_normal_value_stays_as_it_is(
    name: str, value: str, intrinsic: bool, region: str
) -> None:
    policy = Policy.from_json({"default_region": region, "also_blocked": ["x+"]})
    found = normalise(name, value, policy, intrinsic=intrinsic)
    if not isinstance(found, str) and not (intrinsic and name == "phone"):
        assert normalise(name, found.spelling, policy) == found


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "(x+x+)+y", "a?{30}a{30}", "([a-z]+)*1"]
)
def test_patterns_that_backtrack_without_end_elsewhere_match_long_values_at_once(pattern: str) -> None:
    """The test ends: matching that is not linear would not."""
    with suppress(InvalidPattern):
        assert not BlockList([pattern]).blocks("a" * LONG + "!")


@pytest.mark.parametrize("name", [*DEFAULT_TYPES, "x_card"])
@pytest.mark.parametrize("piece", ["a", "1", "@", ".", ":", " ", "訪", "é.", "+1", "a@", "\u0323\u0307"])
def test_values_of_any_length_are_read_in_linear_time(name: str, piece: str) -> None:
    """The test ends: reading that is not linear would not."""
    normalise(name, f"a@{piece * LONG}", Policy())
    normalise(name, piece * LONG, Policy(), intrinsic=True)


def test_a_deeply_nested_policy_is_refused() -> None:
    nested: Any = {}
    for _ in range(50_000):
        nested = {"exclusive": nested}
    with pytest.raises(InvalidPolicy):
        Policy.from_json({"types": {"phone": nested}})
