import pytest

from services.runtime.budget import Budget, BudgetExceeded


def test_a_lease_returns_its_bytes_once() -> None:
    budget = Budget(10)
    with budget.lease() as lease:
        lease.grow(4)
        lease.grow(6)
        assert budget.used == 10
        with pytest.raises(BudgetExceeded):
            lease.grow(1)
        lease.close()
        assert budget.used == 0
    assert budget.used == 0


def test_a_refused_lease_can_still_take_what_fits() -> None:
    budget = Budget(10)
    first, second = budget.lease(), budget.lease()
    first.grow(8)
    with pytest.raises(BudgetExceeded):
        second.grow(3)
    second.grow(2)
    first.close()
    second.grow(8)
    assert budget.used == 10


def test_a_lease_larger_than_the_budget_is_granted_when_nothing_else_is_in_use() -> None:
    lease = Budget(10).lease()
    lease.grow(1000)
