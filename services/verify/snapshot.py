"""The active generation at one moment: its tables, and the offsets up to which they were folded and relayed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from projections.customers.checking import ComparedCustomers, customer_rows
from projections.engine.generation_records import Generation
from projections.engine.generations import active_generation
from projections.engine.metadata import Rows, Table
from projections.engine.offsets import all_offsets
from projections.engine.queries import all_rows
from projections.identity.outbox import ChangeSequenceRow, OutboxRow, all_positions, sequences, stored_changes
from projections.identity.resolutions import ResolutionInUse, all_tenants, resolutions_in_use
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import POLICIES, RESOLUTIONS, ResolutionRow
from projections.identity.tables import READ_MODELS as IDENTITY
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.quota.store import announced_levels
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.registry import CONTACT_TABLES, SCHEMA

CONTACTS: Final = (*CONTACT_TABLES, INTRINSICS)
_TABLES: Final = (*CONTACTS, QUOTA_DAYS, *IDENTITY, POLICIES, RESOLUTIONS)

Ends = dict[int, int]  # partition -> offset (exclusive)


@dataclass(frozen=True, slots=True)
class CountedRecords:
    """The counters that the table of offsets keeps of a topic."""

    records: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class GenerationSnapshot:
    """Rows by table and key, offsets and counters by topic, and the active resolution of each registered tenant.

    Of the outbox: its changes, the count of each customer's changes, the level of each tenant's quota, and the offsets
    (topic, partition, next) up to which topics are known to have what left it.
    """

    generation: Generation
    tables: Mapping[Table, Rows]
    offsets: Mapping[str, list[Any]]
    active: Mapping[str, ResolutionInUse]
    outbox: Sequence[OutboxRow]
    sequences: Sequence[ChangeSequenceRow]
    levels: Mapping[str, int]
    positions: Sequence[tuple[str, int, int]]
    customers: ComparedCustomers

    def resolutions(self, tenants: Iterable[str]) -> list[ResolutionInUse]:
        """The active resolutions of these tenants."""
        return [self.active.get(one) or _default(one) for one in tenants]

    def identity(self) -> dict[Table, Rows]:
        """Identity's rows in the active resolutions. One that is being built or was retired is incomplete."""
        rows = [ResolutionRow(*row) for row in self.tables[RESOLUTIONS].values()]
        inactive = {(row.tenant, row.resolution_id) for row in rows if row.state != "active"}
        return {
            table: {key: row for key, row in self.tables[table].items() if key[:2] not in inactive}
            for table in IDENTITY
        }

    def ends(self, topic: str) -> Ends:
        """The offsets up to which the topic was folded."""
        return {row["partition"]: row["next_offset"] for row in self.offsets.get(topic, ())}

    def counted(self, topic: str) -> CountedRecords:
        """The counters of the topic's records."""
        rows = self.offsets.get(topic, ())
        dead = sum(row["dead_letters"] for row in rows)
        return CountedRecords(dead + sum(row["committed"] + row["duplicates"] for row in rows), dead)

    def relayed(self, topic: str) -> Ends:
        """The offsets up to which the topic is known to hold what left the outbox."""
        return {place: end for name, place, end in self.positions if name == topic}


def _default(tenant: str) -> ResolutionInUse:
    return ResolutionInUse(tenant, DEFAULT_VERSION, DEFAULT_VERSION, active=True, policy=None, region=None)


async def take_snapshot(database_url: str, region: str) -> GenerationSnapshot:
    """Read the active generation in one transaction."""
    connection = await asyncpg.connect(database_url)
    try:
        generation = await active_generation(connection, SCHEMA)
        await connection.execute(f"SET search_path TO {generation.name}")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            offsets = await all_offsets(connection)
            tables = {table: await all_rows(connection, table) for table in _TABLES}
            tenants = await all_tenants(connection)
            outbox = [row async for row in stored_changes(connection)]
            counts = [row async for row in sequences(connection)]
            levels = await announced_levels(connection)
            positions = await all_positions(connection)
            active = {one.tenant: one for one in await resolutions_in_use(connection, tenants) if one.active}
            customers = await customer_rows(connection, tenants, region)
    finally:
        await connection.close()
    return GenerationSnapshot(
        generation, tables, _by_topic(offsets), active, outbox, counts, levels, positions, customers
    )


def _by_topic(offsets: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in offsets:
        found.setdefault(row["topic"], []).append(row)
    return found
