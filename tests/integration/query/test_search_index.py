"""Searches that the index answers: as PostgreSQL does, and of the moment in which they are asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import cycle
from typing import Any

import asyncpg
import httpx
import pytest

from projections.customers.index import reading
from projections.customers.index.evaluating import LookedUp
from projections.customers.index.reading import HeldIndex, Lost, OutOfDate, Outrun, load_index
from projections.customers.index.searching import IndexedSearch
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.queries import Search
from projections.engine.connection import Connection
from projections.engine.touched import note_touched
from projections.engine.touched_ids import Touched
from services.query.handlers.search import CustomerSearch
from services.query.handlers.search_indexes import unless_outrun
from services.query.main import create_app
from services.runtime import metrics
from services.runtime.settings import Settings
from tests.support.contact_records import event
from tests.support.documented import DocumentedTransport
from tests.support.read_api import NOW, Brand, id_of, open_brand, until_ready
from tests.support.searches import compose_all
from tests.support.searching import post, search

PEOPLE = [f"line:oa1:U{n}" for n in range(12)]
VIP = {"tag": "vip"}
EVERYBODY = {"contacts": {"gte": 1}}


@pytest.fixture
async def indexed(settings: Settings) -> AsyncIterator[Brand]:
    """A brand whose service has an index of tenants of any size."""
    async with open_brand(settings, make_app=partial(create_app, indexed_from=1)) as brand:
        for number, key in enumerate(PEOPLE):
            await brand.fold(
                event("contact.followed", number, contact=key),
                event("message.received", number % 4, contact=key, text="hi", message_id=f"m{number}", kind="text"),
                event("profile.updated", 9, contact=key, display_name=f"林{number}"),
                *([event("tag.added", 5, contact=key, tag="vip")] if number % 3 else []),
            )
        await compose_all(brand.connection)
        yield brand


async def tagged(brand: Brand, *keys: str) -> None:
    """Tag people, and note it as the contacts agent does."""
    await brand.fold(*(event("tag.added", 20, contact=key, tag="vip") for key in keys))
    await note_touched(brand.connection, {"demo": Touched(contacts={id_of(key) for key in keys})})


def answered_by_index() -> float:
    return float(metrics.SEARCHES.labels("index")._value.get())


def indexes_loaded() -> float:
    (metric,) = metrics.SEARCH_INDEX_LOAD_SECONDS.collect()
    return next(one.value for one in metric.samples if one.name.endswith("_count"))


async def until_indexed(brand: Brand) -> None:
    """Search until the index answers."""
    before = answered_by_index()
    async with asyncio.timeout(240):
        while answered_by_index() == before:
            await search(brand, VIP)
            await asyncio.sleep(0.01)


async def all_pages(clients: Sequence[httpx.AsyncClient], brand: Brand, **wanted: Any) -> tuple[list[Any], list[Any]]:
    """The customers and the totals of all pages, which the clients ask for in turn."""
    found, totals, cursor = [], [], None
    for client in cycle(clients):
        response = await client.post(
            "/v1/customers/search",
            json={"limit": 3, **wanted, "cursor": cursor},
            headers={"Authorization": f"Bearer {brand.keys['demo']}"},
        )
        assert response.status_code == 200, response.text
        page = response.json()
        found += page["customers"]
        totals.append(page["total"])
        cursor = page["next"]
        if cursor is None:
            break
    return found, totals


@pytest.fixture
async def plain(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another process on the same tables, in which PostgreSQL answers every search."""
    app = create_app(settings)
    app.state.clock = lambda: NOW
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=DocumentedTransport(app), base_url="http://test") as client,
    ):
        await until_ready(client)
        yield client


@pytest.mark.parametrize("by", ["last_customer", "last_marketing", "first_seen", "name"])
async def test_a_cursor_of_one_evaluator_goes_on_in_the_other(
    indexed: Brand, plain: httpx.AsyncClient, by: str
) -> None:
    await until_indexed(indexed)
    for wanted in (VIP, {"not": VIP}, EVERYBODY, {"name": "林1"}):
        search = {"filter": wanted, "sort": {"by": by}}
        by_postgresql, _ = await all_pages([plain], indexed, **search)
        before = answered_by_index()
        assert (await all_pages([indexed.client], indexed, **search))[0] == by_postgresql
        assert answered_by_index() > before
        for turns in ([indexed.client, plain], [plain, indexed.client]):
            found, totals = await all_pages(turns, indexed, **search)
            assert found == by_postgresql
            assert {one["count"] for one in totals} == {len(found)}


async def test_a_search_finds_what_was_composed_just_before(indexed: Brand) -> None:
    await until_indexed(indexed)
    before = answered_by_index()
    found = (await search(indexed, VIP))["total"]["count"]
    for number, key in enumerate(PEOPLE[::3], 1):
        await tagged(indexed, key)
        await compose_all(indexed.connection)
        page = await search(indexed, VIP, limit=50)
        assert page["total"]["count"] == len(page["customers"]) == found + number
        assert str(id_of(key)) in {one["id"] for one in page["customers"]}
    facets = await post(indexed, "/v1/customers/facets", {"filter": {"name": "林"}, "facets": ["tag"]})
    assert facets.json()["facets"][0]["values"] == [{"value": "vip", "customers": len(PEOPLE)}]
    assert answered_by_index() == before + 2 + len(PEOPLE[::3])


async def test_conditions_are_counted_by_one_question(indexed: Brand) -> None:
    for number, key in enumerate(PEOPLE):
        await indexed.fold(event("attribute.set", 30, contact=key, key="points", value=number))
    await compose_all(indexed.connection)
    await until_indexed(indexed)
    conditions: list[dict[str, Any]] = [{"lte": 2}, {"between": [3, 6]}, {"gte": 7}]
    parts = [filters.ByAttribute.model_validate({"attribute": "points", **one}) for one in conditions]
    handler: CustomerSearch = indexed.app.state.search
    before = answered_by_index()
    found = await handler.totals("demo", filters.parse(VIP), parts, NOW)
    assert answered_by_index() == before + 1
    assert found == [2, 2, 4]
    assert await handler._totals("demo", filters.parse(VIP), parts, NOW, by_index=False) == found


async def test_after_a_pass_over_all_customers_the_index_is_loaded_anew(indexed: Brand) -> None:
    await until_indexed(indexed)
    before = indexes_loaded()
    await indexed.fold(event("tag.added", 21, contact=PEOPLE[0], tag="vip"))
    await indexed.compose()
    assert (await search(indexed, VIP))["total"]["count"] == 9  # whoever answers: it may have been loaded already
    await until_indexed(indexed)
    assert indexes_loaded() > before
    assert (await search(indexed, VIP))["total"]["count"] == 9


async def test_an_index_knows_one_tenant_alone(indexed: Brand) -> None:
    await indexed.fold(event("contact.followed", 1, contact=PEOPLE[0]).model_copy(update={"tenant": "other"}))
    await compose_all(indexed.connection, "other")
    await until_indexed(indexed)
    for _ in range(2):
        assert (await search(indexed, EVERYBODY, "other"))["total"]["count"] == 1
        assert (await search(indexed, VIP, "other"))["customers"] == []


async def test_an_index_is_never_asked_for_another_moment(indexed: Brand, settings: Settings) -> None:
    first, second = [await connected(settings) for _ in range(2)]
    try:
        async with moment_of(second):
            held = await load_index(second, "demo")
        assert held is not None
        async with moment_of(first):
            await first.fetchval("SELECT count(*) FROM composed")  # from here on it sees no other moment
            await tagged(indexed, PEOPLE[0])
            await compose_all(indexed.connection)
            assert await total_at(held, first) == 8
            async with moment_of(second):
                assert await total_at(held, second) == 9
            with pytest.raises(Outrun):
                await held.bring_up(first, waiting=True)
    finally:
        for one in (first, second):
            await one.close()


async def test_nobody_waits_for_an_index_that_is_far_behind(
    indexed: Brand, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connected(settings)
    try:
        async with moment_of(connection):
            held = await load_index(connection, "demo")
        assert held is not None
        for name in ("_FEW_TURNS", "_TURNS"):
            monkeypatch.setattr(reading, name, 2)
        for key in PEOPLE[::3]:
            await tagged(indexed, key)
            await compose_all(indexed.connection)
        async with moment_of(connection):
            with pytest.raises(OutOfDate):
                await held.bring_up(connection, waiting=True)
            assert held.is_behind
            await held.bring_up(connection, waiting=False)
            assert await total_at(held, connection) == len(PEOPLE)
        await connection.execute("DELETE FROM composed_changes WHERE turn > 2")
        await tagged(indexed, PEOPLE[0])
        await compose_all(indexed.connection)
        await indexed.connection.execute("DELETE FROM composed_changes")
        async with moment_of(connection):
            with pytest.raises(Lost):
                await held.bring_up(connection, waiting=True)
    finally:
        await connection.close()


async def test_a_question_that_is_outrun_is_asked_again_and_then_by_postgresql_alone() -> None:
    asked: list[bool] = []

    async def answer(by_index: bool) -> str:
        asked.append(by_index)
        if by_index:
            raise Outrun
        return "answer"

    by_postgresql = metrics.SEARCHES.labels("postgresql")._value.get()
    assert await unless_outrun(answer) == "answer"
    assert metrics.SEARCHES.labels("postgresql")._value.get() == by_postgresql + 1
    assert asked == [True, True, True, False]


def moment_of(connection: Connection) -> Any:
    return connection.transaction(isolation="repeatable_read", readonly=True)


async def connected(settings: Settings) -> Connection:
    return await asyncpg.connect(settings.database_url, server_settings={"search_path": "g1"})


async def total_at(held: HeldIndex, connection: Connection) -> int:
    """How many have the tag in the connection's snapshot."""
    wanted = Search("demo", filters.parse(VIP), AskedAt(NOW))
    return IndexedSearch(await held.bring_up(connection, waiting=True), wanted, LookedUp({})).total
