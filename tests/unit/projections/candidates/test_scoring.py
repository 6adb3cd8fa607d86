"""What the signs between two customers are worth."""

import pytest

from projections.candidates.profiles import ComparedIdentifier, ComparedProfile, Hold, profile
from projections.candidates.scoring import DEFAULT_SCORE, LEAST_SCORE, compare, score_of

PHONE = ("phone", "+886912345678")


def having(identifier: ComparedIdentifier, tier: int, *reasons: str) -> ComparedProfile:
    return profile(identifiers={identifier: Hold(tier, frozenset(reasons))})


def score(one: ComparedProfile, other: ComparedProfile) -> float:
    return score_of(compare(one, other))


def test_two_strangers_are_none() -> None:
    assert score(profile(), profile()) < 0.001


LISTED = {
    "name and birthday": (profile(["Ann Wu"], ["1990-01-31"]), profile(["wu ann"], ["1990/01/31"])),
    "name and address": (profile(["Ann Wu"], [], ["1 Main St."]), profile(["Ann Wu"], [], ["1, main st"])),
    "a typing error in the name, and the birthday": (
        profile(["Jonathan Wu"], ["1990-01-31"]),
        profile(["Jonathon Wu"], ["1990-01-31"]),
    ),
    "the local part of an e-mail, and the name": (
        profile(["Ann Wu"], identifiers={("email", "annwu@a.example"): Hold(3)}),
        profile(["Ann Wu"], identifiers={("email", "annwu@b.example"): Hold(3)}),
    ),
    "a phone that differs in one digit, and the name": (
        profile(["Ann Wu"], identifiers={("phone", "+886912345678"): Hold(3)}),
        profile(["Ann Wu"], identifiers={("phone", "+886912345679"): Hold(3)}),
    ),
    "one verified phone": (having(PHONE, 2, "shared"), having(PHONE, 2, "shared")),
    "one member id": (having(("member_id", "M1"), 2), having(("member_id", "M1"), 2, "exclusive_conflict")),
}


@pytest.mark.parametrize("two", LISTED.values(), ids=LISTED.keys())
def test_two_weaker_signs_or_a_proven_value_make_a_candidate(two: tuple[ComparedProfile, ComparedProfile]) -> None:
    assert score(*two) >= DEFAULT_SCORE


NOT_LISTED = {
    "a name": (profile(["Ann Wu"]), profile(["Ann Wu"])),
    "a birthday": (profile([], ["1990-01-31"]), profile([], ["1990-01-31"])),
    "a claimed phone": (having(PHONE, 4, "shared"), having(PHONE, 2, "shared")),
    "a phone's former owner": (having(PHONE, 3, "superseded"), having(PHONE, 2)),
    "a generic value": (having(PHONE, 2, "generic"), having(PHONE, 2, "generic")),
    "a kiosk": (having(("member_id", "M1"), 1, "shared_device"), having(("member_id", "M1"), 1)),
    "a name, with another birthday": (profile(["Ann Wu"], ["1990-01-31"]), profile(["Ann Wu"], ["1971-11-08"])),
    "one verified phone, of people of another name and birthday": (
        profile(["Ann Wu"], ["1990-01-31"], identifiers={PHONE: Hold(2)}),
        profile(["Bob Li"], ["1961-07-08"], identifiers={PHONE: Hold(2)}),
    ),
}


@pytest.mark.parametrize("two", NOT_LISTED.values(), ids=NOT_LISTED.keys())
def test_one_weak_sign_or_one_that_is_contradicted_makes_none(two: tuple[ComparedProfile, ComparedProfile]) -> None:
    assert score(*two) < DEFAULT_SCORE


@pytest.mark.parametrize("two", [*LISTED.values(), *NOT_LISTED.values()])
def test_the_score_does_not_depend_on_which_is_first(two: tuple[ComparedProfile, ComparedProfile]) -> None:
    one, other = two
    assert score(one, other) == score(other, one)


def test_a_generic_value_adds_little_to_other_signs() -> None:
    named = profile(["Ann Wu"], ["1990-01-31"])
    both = profile(["Ann Wu"], ["1990-01-31"], identifiers={PHONE: Hold(2, frozenset({"generic"}))})
    assert score(named, named) < score(both, both)
    assert score(having(PHONE, 2, "generic"), having(PHONE, 2, "generic")) < LEAST_SCORE


def test_of_one_type_only_the_weightiest_shared_value_counts() -> None:
    several = profile(identifiers={("phone", f"+8869{n:08}"): Hold(4) for n in range(5)})
    assert [one.kind for one in compare(several, several)] == ["phone"]


def test_signs_against_come_last() -> None:
    one = profile(["Ann Wu"], ["1990-01-31"], identifiers={PHONE: Hold(2)})
    other = profile(["Bob Li"], ["1990-01-31"], identifiers={PHONE: Hold(2)})
    assert [(sign.kind, sign.weight > 0) for sign in compare(one, other)] == [
        ("phone", True),
        ("birthday", True),
        ("name", False),
    ]
