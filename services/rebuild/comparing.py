"""Compares the generation that is built with the active one, at the same offsets of the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from projections.comparable import COMPARED, EVENTUAL, MAY_LACK, REMEMBERED, change_of
from projections.customers.checking import pending_customers
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.comparison import ComparedTable, Digest, digests, digests_in_pieces, hashes_by_key, rows_by_key
from projections.engine.holds import set_hold
from projections.engine.ids import IdOf
from projections.engine.metadata import Key
from projections.engine.rebuilds import fold_versions
from projections.erasures.store import carry_over
from projections.erasures.tables import TABLE as ERASURES
from projections.identity.queries import customers_of
from projections.identity.resolutions import active_resolution
from projections.timeline.erased_names import contacts_naming_erased
from services.rebuild.adapters.customers import ComposerBacklog, composer_backlog, latest_change, notes_changes
from services.rebuild.adapters.postgres import OpenSnapshot, snapshot
from services.rebuild.core.comparing import (
    MOST_ROWS,
    ComparedPlace,
    DifferingRow,
    FoundKeys,
    GenerationComparison,
    TenantRows,
    differing_keys,
    differing_places,
    places_of,
)
from services.rebuild.pair import GenerationPair
from services.rebuild.resting import Resting
from services.rebuild.waiting import Waiting
from services.runtime.contact_ids import id_of
from services.runtime.errors import ForeseenError
from services.runtime.terminal import say

_ROUNDS: Final = 4  # for rows of identity, of which the active generation may have read some more or less evidence
_MOST_ROUNDS: Final = 60  # while the active generation reads evidence that it had left, or changes rows that differ
_BETWEEN_ROUNDS: Final = 1.0  # seconds
_SAY_EVERY: Final = 5.0  # seconds

FoundByPlace = Mapping[TenantRows, FoundKeys]


class CannotCompare(ForeseenError):
    """The two generations don't come to the same offsets. The message says why, and what to do."""


async def compare(
    pair: GenerationPair, check: Callable[[], None], resting: Resting | None = None
) -> GenerationComparison:
    """The result. ``check`` is called while it waits for workers; whatever it raises ends the comparison.

    It begins when the active generation has made its customer rows of all that changed until now, if somebody makes
    them. While ``resting`` is paced, the two generations are read one after the other, piece by piece with rests.
    """
    await _customer_rows_made(pair, Waiting(check))
    versions = await fold_versions(pair.control, pair.active.name)
    comparing = _Comparing(pair, versions, check, resting)
    await comparing.first_round()
    rounds = 1
    while comparing.undecided and (rounds < _ROUNDS or (comparing.goes_on and rounds < _MOST_ROUNDS)):
        await asyncio.sleep(_BETWEEN_ROUNDS)
        await comparing.look_again()
        rounds += 1
    return comparing.result()


async def _customer_rows_made(pair: GenerationPair, waiting: Waiting) -> None:
    """Wait for the rows of the customers that were touched until now, while the active generation makes them."""
    if pair.customers_too:
        latest = await latest_change(pair.control, pair.active.name)

        def show(left: ComposerBacklog) -> None:
            say(f"{pair.active.name} makes customer rows, which are compared then: {left.changes:,} changes are left.")

        await waiting.left_of(lambda: composer_backlog(pair.control, pair.active.name, latest), show)


class _Comparing:
    """One comparison: what differed so far, and the rows of the last round."""

    def __init__(
        self,
        pair: GenerationPair,
        versions: Mapping[str, int] | None,
        check: Callable[[], None],
        resting: Resting | None,
    ) -> None:
        self._pair = pair
        self._versions = versions
        self._waiting = Waiting(check)
        self._resting = resting
        models = pair.building.read_models
        self._tables = [one for one in COMPARED if models is None or one.name in models]
        self._places: dict[str, list[ComparedPlace]] = {}
        self._found: dict[TenantRows, FoundKeys] = {}
        self._rows: list[DifferingRow] = []
        self._changed: dict[str, str] = {}
        self._pending = 0
        self._read = 0
        self._shown = time.monotonic()
        self.goes_on = False  # whether the active generation reads evidence that it had left, or changes such rows

    @property
    def undecided(self) -> bool:
        """Whether rows differ that may do so for the moment only."""
        return any(
            place.read_model in EVENTUAL and (one.differing or one.undecided) for place, one in self._found.items()
        )

    async def first_round(self) -> None:
        """Compare every table."""
        async with self._snapshots() as both:
            for number, table in enumerate(self._tables):
                self._show(f"{number} of {len(self._tables)} read models are compared, {table.name} is next.")
                if reason := change_of(table, both.here.columns, self._versions):
                    self._changed[table.name] = reason
                if (known := both.common(table)) is not None:
                    await self._compare(both, known)
            await self._note_rows(both)

    def _show(self, what: str) -> None:
        """Say so, unless something was said a moment ago."""
        if (now := time.monotonic()) - self._shown > _SAY_EVERY:
            self._shown = now
            say(what)

    async def look_again(self) -> None:
        """Compare again what differed, and drop what does not differ any more."""
        async with self._snapshots() as both:
            before, self._found = self._found, {}
            for table in self._tables:
                known = both.common(table)
                if known is not None and any(place.read_model == table.name for place in before):
                    await self._compare(both, known, before)
            await self._note_rows(both)

    async def _compare(self, both: "_Both", table: ComparedTable, before: FoundByPlace | None = None) -> None:
        here, there = await both.digests(table)
        still: dict[TenantRows, FoundKeys] = {}
        for place in differing_places(table.name, here, there):
            found = await both.differing_keys(table, place.tenant)
            if before is not None:
                found = before.get(place, FoundKeys()).still(found)
            if found:
                still[place] = found
        self._found |= still
        self._places[table.name] = places_of(table.name, here, there, still)

    async def _note_rows(self, both: "_Both") -> None:
        """Read the first rows that differ, in both versions."""
        rows = [one async for one in self._first_rows(both)]
        active = self._pair.active
        pending, read = await self._pair.evidence_left(active), await self._pair.evidence_read(active)
        changed = any(one.place.read_model in EVENTUAL and one not in self._rows for one in rows)
        self.goes_on = changed or (pending > 0 and read > self._read)
        self._rows, self._pending, self._read = rows, pending, read

    async def _first_rows(self, both: "_Both") -> AsyncIterator[DifferingRow]:
        left = MOST_ROWS
        for table in self._tables:
            for place, found in self._found.items():
                known = both.common(table)
                if place.read_model == table.name and left and known is not None:
                    for row in await both.rows(known, place, found.differing.keys[:left]):
                        left -= 1
                        yield row

    def result(self) -> GenerationComparison:
        """What was found."""
        places = [one for table in self._tables for one in self._places.get(table.name, ())]
        return GenerationComparison(places, self._rows, self._changed, self._pending)

    @asynccontextmanager
    async def _snapshots(self) -> AsyncIterator["_Both"]:
        """The two generations at the same offsets of the log."""
        pair = self._pair
        await self._until_not_ahead()
        await carry_over(pair.control, pair.active.name, pair.building.name, REMEMBERED)
        async with snapshot(pair.url, pair.active.name) as here:
            vector = here.offsets.get(pair.log, {})
            await set_hold(pair.control, pair.building.name, {pair.log: vector})
            await self._waiting.until(lambda: pair.stands_at(vector))
            async with snapshot(pair.url, pair.building.name) as there:
                yield _Both(here, there, self._resting, id_of(pair.settings.master_key), {})

    async def _until_not_ahead(self) -> None:
        """Wait until the active generation is as far as the other one. Raises CannotCompare if nobody feeds it."""
        if left := await self._waiting.left_of(self._pair.records_ahead):
            active, building = self._pair.active.name, self._pair.building.name
            raise CannotCompare(
                f"{building} is {left:,} records ahead of {active}, the active generation, and no worker goes on with "
                f"{active}. Start one (onefold worker) and run the same command again."
            )


@dataclass(frozen=True, slots=True)
class _Both:
    """A snapshot of each generation."""

    here: OpenSnapshot
    there: OpenSnapshot
    resting: Resting | None
    identify: IdOf
    naming: dict[str, set[UUID]]  # by tenant, of those that were asked for

    def common(self, table: ComparedTable) -> ComparedTable | None:
        """The table with the columns that both have; None if the one here can't be read as the one there is."""
        if not table.readable(self.here.columns):
            return None
        return table.only(self.here.columns[table.name])

    async def digests(self, table: ComparedTable) -> tuple[dict[str, Digest], dict[str, Digest]]:
        """The digests here and there."""
        connections = (self.here.connection, self.there.connection)
        if (resting := self.resting) is not None and resting.paced:
            found = [await digests_in_pieces(one, table, resting) for one in connections]
            return found[0], found[1]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(digests(one, table)) for one in connections]
        return tasks[0].result(), tasks[1].result()

    async def differing_keys(self, table: ComparedTable, tenant: str) -> FoundKeys:
        """The keys of a tenant's rows that differ."""
        here, there = (hashes_by_key(one.connection, table, tenant) for one in (self.here, self.there))
        pending, naming = await self._pending(table, tenant), await self._naming_erased(table, tenant)
        return await differing_keys(here, there, pending=pending, naming=naming, may_lack=table.name in MAY_LACK)

    async def _naming_erased(self, table: ComparedTable, tenant: str) -> set[UUID]:
        """The contacts with events that name an erased one: here they were folded when they could be read whole.

        For the rows of customers, theirs.
        """
        here = self.here.connection
        if ERASURES.name not in self.here.columns:  # older code erased nobody
            return set()
        if tenant not in self.naming:
            self.naming[tenant] = await contacts_naming_erased(here, tenant, self.identify)
        naming = self.naming[tenant]
        if table.table is not CUSTOMER_ROWS or not naming:
            return naming
        active = await active_resolution(here, tenant)
        return naming | set((await customers_of(here, active.key, list(naming))).values())

    async def _pending(self, table: ComparedTable, tenant: str) -> Container[UUID]:
        """The customers whose rows here may be of an earlier moment: the composer is always a little late."""
        if table.table is not CUSTOMER_ROWS or not notes_changes(self.here.columns):
            return ()
        return await pending_customers(self.here.connection, tenant)

    async def rows(self, table: ComparedTable, place: TenantRows, keys: Sequence[Key]) -> list[DifferingRow]:
        """Both versions of the rows of these keys."""
        here = await rows_by_key(self.here.connection, table, keys)
        there = await rows_by_key(self.there.connection, table, keys)
        return [DifferingRow(place, key, here.get(key), there.get(key)) for key in keys]
