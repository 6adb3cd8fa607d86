import pytest

from services.runtime.budget import Budget, Spent


def test_what_is_lent_is_given_back_once() -> None:
    budget = Budget(10)
    with budget.lease() as lease:
        lease.grow(4)
        lease.grow(6)
        assert budget.lent == 10
        with pytest.raises(Spent):
            lease.grow(1)
        lease.close()
        assert budget.lent == 0
    assert budget.lent == 0


def test_others_wait_for_no_more_than_their_own() -> None:
    budget = Budget(10)
    first, second = budget.lease(), budget.lease()
    first.grow(8)
    with pytest.raises(Spent):
        second.grow(3)
    second.grow(2)
    first.close()
    second.grow(8)
    assert budget.lent == 10


def test_somebody_who_is_alone_is_never_refused() -> None:
    lease = Budget(10).lease()
    lease.grow(1000)
