"""Blocking keys: customers who share two signs share a key; their number is bounded."""

import pytest

from projections.candidates.keys import MOST_KEYS, keys_of
from projections.candidates.profiles import MOST_VALUES, ComparedProfile, Hold, profile


def with_phone(name: str, phone: str) -> ComparedProfile:
    return profile([name], identifiers={("phone", phone): Hold(3)})


SHARING = {
    "an identifier": (
        profile(identifiers={("email", "a@b.example"): Hold(4)}),
        profile(identifiers={("email", "a@b.example"): Hold(1, frozenset({"shared"}))}),
    ),
    "name and birthday": (profile(["Ann Wu"], ["1990-01-31"]), profile(["WU Anne"], ["1990-01-31"])),
    "name and address": (
        profile(["王小明"], [], ["台北市忠孝路12號3樓"]),
        profile(["王小明"], [], ["台北市忠孝路12號3樓"]),
    ),
    "the numbers of an address": (
        profile(["Ann Wu"], [], ["12 Main Street, 2600 Bruce"]),
        profile(["Ann Wu"], [], ["12 Main Stret 2600 Bruse"]),
    ),
    "the local part": (
        profile(identifiers={("email", "annwu@a.example"): Hold(4)}),
        profile(identifiers={("email", "annwu+x@b.example"): Hold(4)}),
    ),
    "a phone but for one of its last digits": (
        with_phone("Ann Wu", "+886912345678"),
        with_phone("Ann Wu", "+886912345673"),
    ),
    "a phone but for one of its first digits": (
        with_phone("Ann Wu", "+886912345678"),
        with_phone("Ann Wu", "+886917345678"),
    ),
}


@pytest.mark.parametrize("two", SHARING.values(), ids=SHARING.keys())
def test_customers_who_share_two_signs_share_a_key(two: tuple[ComparedProfile, ComparedProfile]) -> None:
    one, other = two
    assert keys_of(one) & keys_of(other)


NOT_SHARING = {
    "a name": (profile(["Ann Wu"]), profile(["Ann Wu"])),
    "a birthday": (profile(["Ann Wu"], ["1990-01-31"]), profile(["Bob Li"], ["1990-01-31"])),
    "a value of another type": (
        profile(identifiers={("x_card", "1"): Hold(3)}),
        profile(identifiers={("member_id", "1"): Hold(3)}),
    ),
    "the local part of a role": (
        profile(identifiers={("email", "info@a.example"): Hold(4)}),
        profile(identifiers={("email", "info@b.example"): Hold(4)}),
    ),
    "a short local part": (
        profile(identifiers={("email", "ann@a.example"): Hold(4)}),
        profile(identifiers={("email", "ann@b.example"): Hold(4)}),
    ),
}


@pytest.mark.parametrize("two", NOT_SHARING.values(), ids=NOT_SHARING.keys())
def test_one_weak_sign_is_no_key(two: tuple[ComparedProfile, ComparedProfile]) -> None:
    one, other = two
    assert not keys_of(one) & keys_of(other)


def test_a_customer_has_a_bounded_number_of_values_and_keys() -> None:
    many = profile(
        [f"Name {n}" for n in range(500)],
        [f"1990-01-{n % 28 + 1:02}" for n in range(500)],
        [f"Road {n}" for n in range(500)],
        {("phone", f"+8869{n:08}"): Hold(3) for n in range(500)},
    )
    assert {len(many.names), len(many.birthdays), len(many.addresses), len(many.values("phone"))} == {MOST_VALUES}
    assert len(keys_of(many)) == MOST_KEYS
    assert keys_of(many) == keys_of(many)


def test_keys_fit_a_column_of_64_bits() -> None:
    keys = keys_of(profile(identifiers={("member_id", str(n)): Hold(1) for n in range(MOST_KEYS)}))
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert len(keys) == MOST_KEYS
