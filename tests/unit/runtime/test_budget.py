from functools import partial

import pytest

from services.runtime.budget import Budget, BudgetExceeded, Share


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


TENANT = Share("tenant", "acme", 2)
OTHER = Share("tenant", "other", 2)


def test_an_owner_can_fill_its_own_share_and_no_more() -> None:
    budget = Budget(100)
    first, second, other = budget.lease(TENANT), budget.lease(TENANT), budget.lease(OTHER)
    first.grow(30)
    with pytest.raises(BudgetExceeded):
        second.grow(30)
    second.grow(20)
    other.grow(50)
    assert budget.used == 100


def test_the_largest_body_that_still_arrives_gives_way_to_a_smaller_one() -> None:
    budget, revoked = Budget(100), list[str]()
    large, small, late = budget.lease(), budget.lease(), budget.lease()
    for name, lease, size in (("large", large, 60), ("small", small, 40)):
        lease.arrives(partial(revoked.append, name))
        lease.grow(size)
    late.grow(10)
    assert revoked == ["large"]
    assert large.revoked
    assert budget.used == 50
    with pytest.raises(BudgetExceeded):
        large.grow(1)
    large.close()
    assert budget.used == 50


def test_a_body_gives_way_to_no_larger_one_and_to_none_once_it_is_complete() -> None:
    budget = Budget(100)
    small, complete, late = budget.lease(), budget.lease(), budget.lease()
    small.arrives(lambda: pytest.fail("revoked"))
    small.grow(20)
    complete.arrives(lambda: pytest.fail("revoked"))
    complete.grow(80)
    complete.arrived()
    with pytest.raises(BudgetExceeded):
        late.grow(30)


def test_a_body_gives_way_only_in_a_share_that_it_is_in() -> None:
    budget = Budget(100)
    other, first, second = budget.lease(OTHER), budget.lease(TENANT), budget.lease(TENANT)
    other.arrives(lambda: pytest.fail("revoked"))
    other.grow(45)
    first.grow(45)
    with pytest.raises(BudgetExceeded):
        second.grow(10)


def test_a_lease_moves_to_another_share_with_its_bytes() -> None:
    budget = Budget(100)
    lease, full = budget.lease(OTHER), budget.lease(TENANT)
    lease.grow(10)
    full.grow(45)
    with pytest.raises(BudgetExceeded):
        lease.move(TENANT)
    full.close()
    lease.move(TENANT)
    assert budget.used == 10
    budget.lease(OTHER).grow(50)
    with pytest.raises(BudgetExceeded):
        budget.lease(TENANT).grow(41)
    lease.close()
    budget.lease(TENANT).grow(50)
