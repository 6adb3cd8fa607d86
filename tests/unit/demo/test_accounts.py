"""The accounts say so, and only so, when a number is off."""

from dataclasses import replace

import pytest

from services.demo.accounts import Door, Expected, Tally, faults

EXPECTED = Expected(accepted=103, rejected=8, refused=5, counted=Tally(committed=100, duplicates=3, dead_letters=7))
DOOR = Door(sent=111, accepted=103, rejected=8, refused=5, resent=0, broken=7)
COUNTED = Tally(committed=100, duplicates=3, dead_letters=7)


def test_accounts_that_balance_have_no_faults() -> None:
    assert faults(EXPECTED, DOOR, COUNTED) == []


@pytest.mark.parametrize("name", ["accepted", "rejected", "refused", "broken"])
@pytest.mark.parametrize("change", [-1, 1])
def test_every_number_at_the_door_matters(name: str, change: int) -> None:
    assert faults(EXPECTED, replace(DOOR, **{name: getattr(DOOR, name) + change}), COUNTED)


@pytest.mark.parametrize("name", ["committed", "duplicates", "dead_letters"])
@pytest.mark.parametrize("change", [-1, 1])
def test_every_counter_matters(name: str, change: int) -> None:
    assert faults(EXPECTED, DOOR, replace(COUNTED, **{name: getattr(COUNTED, name) + change}))


def test_one_counter_can_not_make_up_for_another() -> None:
    assert faults(EXPECTED, DOOR, Tally(committed=99, duplicates=4, dead_letters=7))
    assert faults(EXPECTED, DOOR, Tally(committed=100, duplicates=4, dead_letters=6))


def test_what_was_sent_again_may_come_out_as_duplicates_and_as_nothing_else() -> None:
    again = replace(DOOR, resent=10)
    assert faults(EXPECTED, again, COUNTED) == []
    assert faults(EXPECTED, again, replace(COUNTED, duplicates=13)) == []
    assert faults(EXPECTED, again, replace(COUNTED, duplicates=14))
    assert faults(EXPECTED, again, replace(COUNTED, committed=101))
    assert faults(EXPECTED, again, replace(COUNTED, dead_letters=8))


def test_a_tally_is_what_came_between_two_readings() -> None:
    assert Tally(5, 3, 2) - Tally(1, 1, 1) == Tally(4, 2, 1)
    assert Tally(4, 2, 1).records == 7
