"""The accounts have a fault if and only if a number is wrong."""

from collections import Counter

import pytest

from services.demo.accounts import LogCounts, SendCounts, faults
from services.demo.deliveries import Deliveries
from services.demo.invalid import BrokenRecord

PLANNED = Deliveries((), (BrokenRecord(b"", b""),) * 7, distinct=100, duplicates=3, rejected=8, refused=5)
SENT = SendCounts(sent=111, rejected=8, refused_requests=5, broken_written=7, accepted_by=Counter(line=60, events=43))
COUNTED = LogCounts(committed=100, duplicates=3, dead_lettered=7)


def found(sent: SendCounts = SENT, already_there: int = 0, **counted: int) -> list[str]:
    return faults(PLANNED, sent, COUNTED._replace(**counted), already_there)


def test_accounts_that_balance_have_no_faults() -> None:
    assert found() == []


@pytest.mark.parametrize("change", [-1, 1])
def test_every_number_of_ingress_matters(change: int) -> None:
    for name in ("rejected", "refused_requests", "broken_written"):
        assert found(SENT.model_copy(update={name: getattr(SENT, name) + change}))
    assert found(SENT.model_copy(update={"accepted_by": Counter(line=103 + change)}))


@pytest.mark.parametrize("name", ["committed", "duplicates", "dead_lettered"])
@pytest.mark.parametrize("change", [-1, 1])
def test_every_counter_matters(name: str, change: int) -> None:
    assert found(**{name: getattr(COUNTED, name) + change})


def test_one_counter_does_not_compensate_for_another() -> None:
    assert found(committed=99, duplicates=4)
    assert found(committed=100, duplicates=4, dead_lettered=6)


def test_requests_sent_again_may_add_duplicates_and_nothing_else() -> None:
    again = SENT.model_copy(update={"resent": 10})
    assert found(again) == []
    assert found(again, duplicates=13) == []
    assert found(again, duplicates=14)
    assert found(again, committed=101)
    assert found(again, dead_lettered=8)


def test_what_an_earlier_demo_had_committed_is_a_duplicate_now() -> None:
    assert found(already_there=100, committed=0, duplicates=103) == []
    assert found(already_there=99, committed=0, duplicates=103)


def test_the_difference_of_two_counts_is_what_came_between() -> None:
    assert LogCounts(5, 3, 2).since(LogCounts(1, 1, 1)) == LogCounts(4, 2, 1)
