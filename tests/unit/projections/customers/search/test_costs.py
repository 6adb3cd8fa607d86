"""What a search costs is told before it runs, by what it has to read of each customer."""

from typing import Any

import pytest

from projections.customers.search import filters
from projections.customers.search.costs import MOST, Cost, TooDear, cost_of
from projections.customers.terms import EVERYBODY, TAG, Term

EVERY_CUSTOMER = 1_000_000
COUNTS = {EVERYBODY: EVERY_CUSTOMER, Term(TAG, "vip"): 280_000}


@pytest.mark.parametrize(
    ("wanted", "each"),
    [
        ({"tag": "vip"}, 3),  # its term says it
        ({"tag": "vip", "count": {"gte": 2}}, 9),
        ({"all": [{"tag": "vip"}, {"attribute": "points", "gte": 5}]}, 9),
        ({"same_contact": {"all": [{"last_team": True}, {"last_customer": True}]}}, 9),
    ],
)
def test_what_is_read_of_a_customer_says_what_it_costs(wanted: Any, each: int) -> None:
    assert cost_of(filters.parse(wanted), COUNTS).each == each


def test_facets_are_counted_together_and_the_values_of_each_attribute_apart() -> None:
    vip = filters.parse({"tag": "vip"})
    assert cost_of(vip, COUNTS, ["branch"]) == cost_of(vip, COUNTS, ["branch", "channel"]) == Cost(280_000, 17)
    assert cost_of(vip, COUNTS, ["branch", "tag"], 2) == Cost(280_000, 17 + 9 + 2 * 8)


def test_two_conditions_about_contacts_are_looked_for_among_a_million_and_three_are_refused() -> None:
    some: list[Any] = [{"last_team": True}, {"last_customer": True}, {"last_marketing": True}]
    two, three = (cost_of(filters.parse({"same_contact": {"all": some[:size]}}), COUNTS) for size in (2, 3))
    assert two.customers * two.each < MOST
    two.check()
    with pytest.raises(TooDear, match="the limit is 10000000"):
        three.check()
