"""Loads the next page of a pass over all customers while the page before is written.

A page that was loaded ahead is older than the transaction that writes it. What changed in between was noted as touched:
so whoever finds a note in that transaction has to load the page again, and a note that it does not see yet brings those
customers up to date later.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from projections.customers.loading import CountedCustomer, customers_after, load_customers
from projections.engine.connection import Connection
from projections.identity.resolutions import ResolutionInUse, policy_of


class PagePlace(NamedTuple):
    """Which page: of which resolution, after which contact, and of how many."""

    active: ResolutionInUse
    region: str
    after: UUID
    limit: int


class LoadedPage(NamedTuple):
    """The ids of a page's customers, those that have a row, and the contact after which the next page begins."""

    customer_ids: list[UUID]
    found: Mapping[UUID, CountedCustomer]
    next: UUID | None


async def load_page(connection: Connection, place: PagePlace) -> LoadedPage:
    """Load a page. Call it in one snapshot."""
    key = place.active.key
    page = await customers_after(connection, key, place.after, place.limit)
    found = await load_customers(connection, key, policy_of(place.active, place.region), page.customer_ids)
    return LoadedPage(page.customer_ids, found, page.next)


class PageAhead:
    """At most one page, loaded on a connection of its own. While nobody ``may`` work besides, none is."""

    def __init__(self, connection: Connection, may: Callable[[], bool] = lambda: True) -> None:
        self._connection = connection
        self._may = may
        self._place: PagePlace | None = None
        self._task: asyncio.Task[LoadedPage] | None = None

    def begin(self, place: PagePlace) -> None:
        """Load this page meanwhile."""
        if self._task is None and self._may():
            self._place, self._task = place, asyncio.create_task(_in_one_snapshot(self._connection, place))

    async def take(self, place: PagePlace) -> LoadedPage | None:
        """The page, if it was loaded; raises what loading has raised. Another page that was loaded is forgotten."""
        task, self._task = self._task, None
        if task is None:
            return None
        page = await task
        return page if self._place == place else None

    async def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task


async def _in_one_snapshot(connection: Connection, place: PagePlace) -> LoadedPage:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await load_page(connection, place)
