"""Whether a page is found by a walk in its order, or by sorting all customers that the filter finds."""

import pytest

from projections.customers.search.queries import FEW, Page, Sort


@pytest.mark.parametrize("most", [None, 0, FEW])
def test_few_customers_are_sorted_whatever_is_known_of_them(most: int | None) -> None:
    assert not Page(Sort(), 50, most=most).is_walked_to
    assert not Page(Sort(), 50, most=most, found=most, among=1_000_000).is_walked_to


def test_many_customers_are_walked_to_where_they_were_not_counted() -> None:
    assert Page(Sort(), 50, most=FEW + 1).is_walked_to


@pytest.mark.parametrize(("found", "walked"), [(0, False), (1_000, False), (7_000, False), (7_100, True)])
def test_rare_customers_among_many_are_sorted(found: int, walked: bool) -> None:
    """A walk to 50 of 7,100 passes 7,043 of a million customers: fewer than would have to be sorted."""
    assert Page(Sort(), 50, most=500_000, found=found, among=1_000_000).is_walked_to is walked
