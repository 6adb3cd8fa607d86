"""A search in PostgreSQL finds exactly the customers that fulfil its filter, for random filters over random data."""

from collections import Counter
from random import Random
from typing import Any, Final, get_args

import pytest

from projections.customers.folds import CustomerPlace
from projections.customers.rows import opted_out_of
from projections.customers.search import filters, queries
from projections.customers.search.asking import AskedAt, QuotaEnd
from projections.customers.search.costs import cost_of, known_total, terms_in
from projections.customers.search.evaluating import matches
from projections.customers.search.facets import (
    FacetName,
    attribute_values,
    attribute_values_of_all,
    facet,
    facet_of_all,
    facets_by_terms,
)
from projections.customers.search.looking import Searched
from projections.customers.search.queries import Page, Position, Search, Sort, count, counts_of, page
from projections.customers.search.rewriting import expanded
from projections.segments.searching import check_cost, load_segments
from tests.support.past import FoldedGeneration
from tests.support.searches import (
    ATTRIBUTE_KEYS,
    compose_all,
    customers_as_searched,
    history,
    now_of,
    random_filter,
    random_segments,
    segment_events,
    spelled_out,
)
from tests.support.streams import id_of

_HISTORIES: Final = 3
_FILTERS: Final = 60
_ALL: Final = {"contacts": {"gte": 1}}
_SORTS: Final = ("last_customer", "last_team", "last_marketing", "first_seen", "name")


async def test_a_search_finds_whoever_fulfils_the_filter_and_nobody_else(
    generation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_WALKS", (2, 5))  # so that walks end early among few customers, too
    found_some = 0
    for seed in range(_HISTORIES):
        chance = Random(seed)
        segments = random_segments(chance)
        await FoldedGeneration(generation, id_of).fold([*history(chance, 40), *segment_events(chance, segments)])
        await compose_all(generation)
        for _ in range(3):
            now = now_of(chance)
            customers = await customers_as_searched(generation, now)
            asked = AskedAt(now, _quota_end(chance, customers), _customer_end(chance, customers))
            await _counts_of_terms_are_facets(generation, Search("demo", filters.parse(_ALL), asked))
            for _ in range(_FILTERS // 3):
                wanted = random_filter(chance, segments=list(segments))
                node = filters.parse(wanted)
                node = expanded(node, await load_segments(generation, "demo", node))
                meant = filters.parse(spelled_out(wanted, segments))
                expected = {one for one, customer in customers.items() if matches(meant, customer, asked)}
                assert expected == {one for one, customer in customers.items() if matches(node, customer, asked)}
                found = await _found(generation, chance, Search("demo", node, asked))
                assert set(found) == expected, (seed, now, wanted)
                assert len(found) == len(expected), (seed, now, wanted)
                if chance.random() < 0.2:
                    await _facets_are_those_of(
                        generation, Search("demo", node, asked), [customers[one] for one in found]
                    )
                found_some += 0 < len(expected) < len(customers)
    assert found_some > _HISTORIES * _FILTERS / 4


async def test_a_time_belongs_to_the_period_that_begins_with_it(generation: Any) -> None:
    chance = Random(1)
    await FoldedGeneration(generation, id_of).fold(history(chance, 40))
    await compose_all(generation)
    now = now_of(chance)
    customers = await customers_as_searched(generation, now)
    asked, found_some = AskedAt(now, None), 0
    for field in _SORTS[:3]:
        times = {getattr(one.customer, f"{field}_at") for one in customers.values()} - {None}
        for at, end in [(at, end) for at in sorted(times) for end in ("since", "before")]:
            for wanted in ({field: {end: at}}, {"same_contact": {field: {end: at}}}, {"not": {field: {end: at}}}):
                node = filters.parse(wanted)
                expected = {one for one, customer in customers.items() if matches(node, customer, asked)}
                assert set(await _found(generation, chance, Search("demo", node, asked))) == expected, wanted
                found_some += bool(expected)
    assert found_some > len(_SORTS)


def _quota_end(chance: Random, customers: dict[Any, Searched]) -> QuotaEnd | None:
    contacts = [contact for one in customers.values() for contact in one.contacts]
    ends = [
        QuotaEnd(contact.record.contact.subscribed_at, *contact.key.split(":", 2))
        for contact in contacts
        if contact.record.contact.subscribed_at is not None
    ]
    return chance.choice([None, *sorted(ends)])


def _customer_end(chance: Random, customers: dict[Any, Searched]) -> CustomerPlace | None:
    since = {one: customer.customer.valid_since for one, customer in customers.items()}
    places = [CustomerPlace(at, one) for one, at in since.items() if at is not None]
    return chance.choice([None, chance.choice(places)]) if places else None


async def _found(connection: Any, chance: Random, search: Search) -> list[Any]:
    """The ids that pages of some size list; they are in order, and as many as are counted."""
    sort = Sort(chance.choice(_SORTS), descending=chance.random() < 0.5)
    rows: list[Any] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        total = await count(connection, search, None)
        assert await count(connection, search, 2) == min(total, 2)
        counts = await counts_of(connection, search.tenant, terms_in(search.filter))
        cost = cost_of(search.filter, counts)
        assert total <= cost.customers
        assert known_total(search.filter, counts) in {None, total}
        checked = await check_cost(connection, search)
        assert checked.total in {None, total}
        assert checked.least <= total
        size, after = chance.choice([2, 5, 50]), None
        most = chance.choice([None, cost.customers, queries.FEW + 1])
        found, among = chance.choice([None, total]), chance.choice([None, 1, 1_000])
        while more := await page(connection, search, Page(sort, size, after, most, found, among)):
            rows += more
            after = Position(_value(more[-1], sort), more[-1]["customer_id"])
    assert len(rows) == total
    values = [_value(row, sort) for row in rows]
    known = [one for one in values if one is not None]
    assert values == sorted(known, reverse=sort.descending) + [None] * (len(values) - len(known))
    return [row["customer_id"] for row in rows]


async def _facets_are_those_of(connection: Any, search: Search, customers: list[Searched]) -> None:
    """The facets of a search are counted from the customers that it finds."""
    tags = Counter(tag.tag for one in customers for tag in one.customer.tags)
    assert dict(await facet(connection, search, "tag", 1_000)) == tags
    keys = Counter(setting.key for one in customers for setting, _ in one.customer.attributes)
    assert dict(await facet(connection, search, "attribute", 1_000)) == keys
    channels = Counter(
        channel for one in customers for channel in {each.record.contact.channel for each in one.contacts}
    )
    assert dict(await facet(connection, search, "channel", 1_000)) == channels
    refused = Counter(
        kind for one in customers for kind in {kind for each in one.contacts for kind in opted_out_of(each)}
    )
    assert dict(await facet(connection, search, "opted_out", 1_000)) == refused
    names = get_args(FacetName)
    together = await facets_by_terms(connection, search, names, 1_000)
    assert {*names} - {*together} <= {"tag"}  # long ones share terms
    for name, counted in together.items():
        assert counted == await facet(connection, search, name, 1_000), name


async def _counts_of_terms_are_facets(connection: Any, search: Search) -> None:
    """Facets of all customers are the same from the counts of terms as from the customers."""
    for name in get_args(FacetName):
        counted = await facet_of_all(connection, search, name, 1_000)
        assert counted in (None, await facet(connection, search, name, 1_000)), name
        assert counted is not None or name == "tag", name  # long ones share terms
    for key in (*ATTRIBUTE_KEYS, "never"):
        counted = await attribute_values_of_all(connection, search, key, 1_000)
        assert counted == await attribute_values(connection, search, key, 1_000), key


def _value(row: Any, sort: Sort) -> Any:
    return row[sort.by if sort.by == "name" else f"{sort.by}_at"]
