"""A search finds exactly the customers that fulfil its filter, for random filters over random data.

PostgreSQL and the index say the same, and the index also after it has taken in what the composer wrote since.
"""

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any, Final, get_args

import pytest

from projections.customers.folds import CustomerPlace
from projections.customers.index import columns, ordering, reading
from projections.customers.index.evaluating import NotIndexed
from projections.customers.index.reading import HeldIndex, Lost, load_index, look_up
from projections.customers.index.searching import IndexedSearch
from projections.customers.rows import opted_out_of
from projections.customers.search import filters, queries
from projections.customers.search.asking import AskedAt, QuotaEnd
from projections.customers.search.costs import cost_of, known_total, terms_in
from projections.customers.search.evaluating import evaluate, matches
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
    messages,
    now_of,
    random_filter,
    random_segments,
    segment_events,
    spelled_out,
)
from tests.support.streams import id_of

_HISTORIES: Final = 3
_FILTERS: Final = 60
_PARTS: Final = 3  # of a history; after each some of the filters are asked
_ALL: Final = {"contacts": {"gte": 1}}
_SORTS: Final = ("last_customer", "last_team", "last_marketing", "first_seen", "valid_since", "name")


async def test_a_search_finds_whoever_fulfils_the_filter_and_nobody_else(
    generation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_WALKS", (2, 5))  # so that walks end early among few customers, too
    for module, name, few in (
        *((reading, "_PAGE", 7), (reading, "_SLICE", 3), (columns, "_MOST_LOOSE", 3)),
        *((ordering, "_MANY", 6), (ordering, "_SAMPLED", 3)),
    ):
        monkeypatch.setattr(module, name, few)
    found_some, kept, indexed = 0, 0, Counter[bool]()
    for seed in range(_HISTORIES):
        chance = Random(seed)
        segments = random_segments(chance)
        events = history(chance, 40)
        held: HeldIndex | None = None
        folded = FoldedGeneration(generation, id_of)
        await folded.fold(segment_events(chance, segments))
        for part in range(_PARTS):
            for more in (events[part::_PARTS], messages(chance, 9)):
                await folded.fold_more(more)
                await compose_all(generation)
                former, held = held, await _brought_up(generation, held)
                kept += held is former
            now = now_of(chance)
            customers = await customers_as_searched(generation, now)
            asked = AskedAt(now, _quota_end(chance, customers), _customer_end(chance, customers))
            await _counts_of_terms_are_facets(generation, Search("demo", filters.parse(_ALL), asked))
            for _ in range(_FILTERS // _PARTS):
                wanted = random_filter(chance, segments=list(segments))
                node = filters.parse(wanted)
                node = expanded(node, await load_segments(generation, "demo", node))
                meant = filters.parse(spelled_out(wanted, segments))
                expected = {one for one, customer in customers.items() if matches(meant, customer, asked)}
                assert expected == {one for one, customer in customers.items() if matches(node, customer, asked)}
                search = Search("demo", node, asked)
                by_index = await _by_index(generation, held, search)
                found = await _found(generation, chance, search, by_index)
                assert set(found) == expected, (seed, now, wanted)
                assert len(found) == len(expected), (seed, now, wanted)
                if chance.random() < 0.2:
                    await _facets_are_those_of(generation, search, [customers[one] for one in found], by_index)
                found_some += 0 < len(expected) < len(customers)
                indexed[by_index is not None] += 1
    assert found_some > _HISTORIES * _FILTERS / 4
    assert indexed[True] > 2 * indexed[False]
    assert kept >= _HISTORIES * _PARTS


async def test_a_time_belongs_to_the_period_that_begins_with_it(generation: Any) -> None:
    chance = Random(1)
    await FoldedGeneration(generation, id_of).fold(history(chance, 40))
    await compose_all(generation)
    now = now_of(chance)
    customers = await customers_as_searched(generation, now)
    asked, found_some, held = AskedAt(now, None), 0, await _brought_up(generation, None)
    for field in _SORTS[:3]:
        times = {getattr(one.customer, f"{field}_at") for one in customers.values()} - {None}
        for at, end in [(at, end) for at in sorted(times) for end in ("since", "before")]:
            for wanted in ({field: {end: at}}, {"same_contact": {field: {end: at}}}, {"not": {field: {end: at}}}):
                node = filters.parse(wanted)
                expected = {one for one, customer in customers.items() if matches(node, customer, asked)}
                search = Search("demo", node, asked)
                by_index = await _by_index(generation, held, search)
                assert set(await _found(generation, chance, search, by_index)) == expected, wanted
                found_some += bool(expected)
    assert found_some > len(_SORTS)


def _quota_end(chance: Random, customers: dict[Any, Searched]) -> QuotaEnd | None:
    contacts = [contact for one in customers.values() for contact in one.contacts]
    ends = [
        QuotaEnd(contact.record.contact.subscribed_at, *contact.key.split(":", 2))
        for contact in contacts
        if contact.record.contact.subscribed_at is not None
    ]
    return chance.choice([None, chance.choice(sorted(ends))]) if ends else None


def _customer_end(chance: Random, customers: dict[Any, Searched]) -> CustomerPlace | None:
    since = {one: customer.customer.valid_since for one, customer in customers.items()}
    places = [CustomerPlace(at, one) for one, at in since.items() if at is not None]
    return chance.choice([None, chance.choice(places)]) if places else None


async def _brought_up(connection: Any, held: HeldIndex | None) -> HeldIndex:
    """The index, after it has taken in what was composed since, or loaded anew where that is not known."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if held is not None:
            with suppress(Lost):
                await held.bring_up(connection, waiting=False)
                return held
        loaded = await load_index(connection, "demo")
    assert loaded is not None
    return loaded


async def _by_index(connection: Any, held: HeldIndex | None, search: Search) -> IndexedSearch | None:
    """What the index finds; None for what only PostgreSQL can tell."""
    assert held is not None
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        with suppress(NotIndexed):
            looked_up = await look_up(connection, search)
            return IndexedSearch(await held.bring_up(connection, waiting=True), search, looked_up)
    return None


async def _found(connection: Any, chance: Random, search: Search, by_index: IndexedSearch | None) -> list[Any]:
    """The ids that pages of some size list; they are in order, and as many as are counted. The index has the same."""
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
        assert by_index is None or by_index.total == total
        while more := await page(connection, search, wanted := Page(sort, size, after, most, found, among)):
            of_index = None if by_index is None else by_index.page(wanted)
            assert of_index in (None, [one["customer_id"] for one in more]), (search.filter, wanted)
            rows += more
            after = Position(_value(more[-1], sort), more[-1]["customer_id"])
    assert len(rows) == total
    values = [_value(row, sort) for row in rows]
    known = [one for one in values if one is not None]
    assert values == sorted(known, reverse=sort.descending) + [None] * (len(values) - len(known))
    return [row["customer_id"] for row in rows]


async def _facets_are_those_of(
    connection: Any, search: Search, customers: list[Searched], by_index: IndexedSearch | None
) -> None:
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
    if by_index is not None:
        of_index = by_index.facets(names, 1_000)
        assert of_index == {name: await facet(connection, search, name, 1_000) for name in names}
        values = by_index.values(ATTRIBUTE_KEYS, 1_000)
        assert values == {key: await attribute_values(connection, search, key, 1_000) for key in values}
        tests: list[dict[str, Any]] = [{"lte": 0}, {"between": [0, 2.5]}, {"gte": 2}, {"eq": "S"}]
        parts = [filters.parse({"attribute": key, **test}) for key in values for test in tests]
        fulfilled = [sum(evaluate(part, one, search.asked).holds for one in customers) for part in parts]
        assert by_index.totals(parts) == fulfilled


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
    return row[sort.by if sort.by in row else f"{sort.by}_at"]
