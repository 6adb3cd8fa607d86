"""The accounts have a fault if and only if a number is wrong."""

from dataclasses import replace

import pytest

from services.demo.accounts import Expected, LogCounts, SendCounts, faults

EXPECTED = Expected(accepted=103, rejected=8, refused=5, counted=LogCounts(committed=100, duplicates=3, dead_letters=7))
SENT = SendCounts(sent=111, accepted=103, rejected=8, refused=5, resent=0, broken=7)
COUNTED = LogCounts(committed=100, duplicates=3, dead_letters=7)


def test_accounts_that_balance_have_no_faults() -> None:
    assert faults(EXPECTED, SENT, COUNTED) == []


@pytest.mark.parametrize("name", ["accepted", "rejected", "refused", "broken"])
@pytest.mark.parametrize("change", [-1, 1])
def test_every_number_of_ingress_matters(name: str, change: int) -> None:
    assert faults(EXPECTED, replace(SENT, **{name: getattr(SENT, name) + change}), COUNTED)


@pytest.mark.parametrize("name", ["committed", "duplicates", "dead_letters"])
@pytest.mark.parametrize("change", [-1, 1])
def test_every_counter_matters(name: str, change: int) -> None:
    assert faults(EXPECTED, SENT, replace(COUNTED, **{name: getattr(COUNTED, name) + change}))


def test_one_counter_does_not_compensate_for_another() -> None:
    assert faults(EXPECTED, SENT, LogCounts(committed=99, duplicates=4, dead_letters=7))
    assert faults(EXPECTED, SENT, LogCounts(committed=100, duplicates=4, dead_letters=6))


def test_requests_sent_again_may_add_duplicates_and_nothing_else() -> None:
    again = replace(SENT, resent=10)
    assert faults(EXPECTED, again, COUNTED) == []
    assert faults(EXPECTED, again, replace(COUNTED, duplicates=13)) == []
    assert faults(EXPECTED, again, replace(COUNTED, duplicates=14))
    assert faults(EXPECTED, again, replace(COUNTED, committed=101))
    assert faults(EXPECTED, again, replace(COUNTED, dead_letters=8))


def test_the_difference_of_two_counts_is_what_came_between() -> None:
    assert LogCounts(5, 3, 2) - LogCounts(1, 1, 1) == LogCounts(4, 2, 1)
    assert LogCounts(4, 2, 1).records == 7
