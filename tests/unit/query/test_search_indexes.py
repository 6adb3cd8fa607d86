"""Which tenants' search indexes a process keeps."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

import pytest

from projections.customers.index.reading import HeldIndex
from projections.engine.connection import Connection
from services.query.handlers import search_indexes
from services.query.handlers.search_indexes import SearchIndexes

CUSTOMERS = 60_000
EACH = 40_000_000  # bytes


class Held:
    """An index of this size, with nothing in it."""

    is_worn = False
    size = CUSTOMERS
    seconds_behind = 0.0

    def __init__(self, tenant: str, memory: int = EACH) -> None:
        self.tenant = tenant
        self.memory = memory
        self.lock = asyncio.Lock()

    async def bring_up(self, connection: Connection, *, waiting: bool) -> None:
        """It is."""


class Nothing:
    """A connection that is asked nothing."""

    def transaction(self, **_: Any) -> AbstractAsyncContextManager[None]:
        return nullcontext()


def indexes_of(most: int, monkeypatch: pytest.MonkeyPatch, memory: int = EACH) -> SearchIndexes:
    """Indexes that may take so many bytes; each that is loaded takes ``memory``."""

    async def load(_: Connection, tenant: str) -> HeldIndex:
        return cast("HeldIndex", Held(tenant, memory))

    monkeypatch.setattr(search_indexes, "load_index", load)
    connection = cast("AbstractAsyncContextManager[Connection]", nullcontext(Nothing()))
    return SearchIndexes(lambda: connection, most)


async def loaded(indexes: SearchIndexes, *tenants: str) -> None:
    for tenant in tenants:
        indexes._of(tenant, CUSTOMERS)
        await indexes._load_wanted()


async def test_the_index_that_was_asked_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    indexes = indexes_of(2 * EACH, monkeypatch)
    await loaded(indexes, "one", "two")
    assert indexes._of("one", CUSTOMERS) is not None
    await loaded(indexes, "three")
    assert set(indexes._held) == {"one", "three"}
    await loaded(indexes, "two")
    assert set(indexes._held) == {"three", "two"}


async def test_a_tenant_that_was_too_large_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    indexes = indexes_of(EACH, monkeypatch, memory=EACH + 1)
    await loaded(indexes, "one")
    assert not indexes._held
    indexes._of("one", CUSTOMERS)
    assert not indexes._wanted
    monkeypatch.setattr(search_indexes, "_TOO_LARGE_FOR", 0.0)
    indexes._of("one", CUSTOMERS)
    assert set(indexes._wanted) == {"one"}


async def test_an_index_that_nobody_asks_any_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    indexes = indexes_of(2 * EACH, monkeypatch)
    await loaded(indexes, "one", "two")
    await indexes._keep_up()
    assert set(indexes._held) == {"one", "two"}
    indexes._asked["one"] -= search_indexes._UNASKED + 1
    await indexes._keep_up()
    assert set(indexes._held) == {"two"}


@pytest.mark.parametrize("customers", [10, 10**9])
async def test_a_tenant_of_few_customers_or_far_too_many_has_none(
    monkeypatch: pytest.MonkeyPatch, customers: int
) -> None:
    indexes = indexes_of(2 * EACH, monkeypatch)
    indexes._of("one", customers)
    assert not indexes._wanted
