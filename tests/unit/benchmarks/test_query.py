"""What the benchmark of queries asks, and of whom."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from random import Random
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
import pytest

from benchmarks.query import asking, events
from benchmarks.query.filling import nothing_counted, rows_of
from benchmarks.query.population import BLOCK, TENANT, MadeCustomer, customers_in
from projections.customers.search import filters
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.metadata import key_of
from schemas.codec import decode
from schemas.topics import event_key

CUSTOMERS = 2 * BLOCK
ID_OF: Callable[[str], UUID] = partial(uuid5, NAMESPACE_URL)


@pytest.fixture(scope="module", name="made")
def fixture_made() -> list[MadeCustomer]:
    return [one for block in range(2) for one in customers_in(block, CUSTOMERS, ID_OF)]


def test_a_block_is_the_same_whenever_and_beside_whatever_it_is_made(made: list[MadeCustomer]) -> None:
    assert list(customers_in(1, CUSTOMERS, ID_OF)) == made[BLOCK:]
    assert len(list(customers_in(1, BLOCK + 7, ID_OF))) == 7


def test_every_row_has_a_key_of_its_own_and_each_customer_one_row(made: list[MadeCustomer]) -> None:
    counts = nothing_counted()
    rows = [pair for one in made for pair in rows_of(one, counts)]
    keys = Counter((table.name, key_of(table, row)) for table, row in rows)
    assert set(keys.values()) == {1}
    customers = [row for table, row in rows if table is CUSTOMER_ROWS]
    assert len(customers) == CUSTOMERS
    contacts = sum(contact.record.contact.valid_since is not None for one in made for contact in one.contacts)
    assert sum(day.valid for (_, channel, *_), day in counts.days.items() if channel) == contacts


def test_a_customer_has_two_contacts_on_average_and_tags_are_skewed(made: list[MadeCustomer]) -> None:
    assert sum(len(one.contacts) for one in made) / CUSTOMERS == pytest.approx(2, abs=0.1)
    tags = Counter(tag.tag for one in made for contact in one.contacts for tag in contact.record.tags)
    (_, most), *_, (_, least) = tags.most_common()
    assert most > 100 * least


@pytest.mark.parametrize("kind", asking.FILTERS)
def test_every_filter_is_one_that_a_search_takes(kind: str) -> None:
    for seed in range(20):
        filters.parse(orjson.loads(asking.search(Random(seed), kind))["filter"])


def test_events_are_of_the_populations_contacts() -> None:
    keys = {
        contact.record.key
        for block in range(2)
        for one in customers_in(block, CUSTOMERS, ID_OF)
        for contact in one.contacts
    }
    found = 0
    for key, value in islice(events.events(CUSTOMERS, 1), 500):
        event = decode(value)
        assert event.contact is not None
        assert key == event_key(TENANT, event.contact.key)
        found += event.contact.key in keys
    assert found > 100
