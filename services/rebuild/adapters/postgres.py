"""Connections for a rebuild: one for the control tables, and snapshots of generations."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from projections.customers.composing import has_composed
from projections.engine.connection import Connection
from projections.engine.holds import Vector
from projections.engine.offsets import next_offsets
from projections.engine.stored_columns import columns_by_table
from projections.identity.resolutions import tenants_to_roll_out

Offsets = Mapping[str, Vector]  # by topic

_CONNECT_WITHIN: Final = 10.0
_NAME: Final = "onefold-rebuild"
_PATIENT: Final = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "jit": "off"}


@dataclass(frozen=True, slots=True)
class OpenSnapshot:
    """A generation at one moment: a connection to its tables, its offsets by topic, and its tables' columns."""

    connection: Connection
    offsets: Offsets
    columns: Mapping[str, frozenset[str]]


@asynccontextmanager
async def connected(url: str, schema: str = "onefold") -> AsyncIterator[Connection]:
    """A connection without time-outs of statements: digests of large tables take long."""
    session = {"search_path": schema, "application_name": _NAME, **_PATIENT}
    connection = await asyncpg.connect(url, timeout=_CONNECT_WITHIN, server_settings=session)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def snapshot(url: str, generation: str) -> AsyncIterator[OpenSnapshot]:
    """The generation as it is now, for as long as the block runs."""
    async with (
        connected(url, generation) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield OpenSnapshot(connection, await next_offsets(connection), await columns_by_table(connection))


async def offsets_of(control: Connection, generation: str) -> Offsets:
    """The next offsets of a generation's partitions, by topic."""
    async with in_schema(control, generation):
        return await next_offsets(control)


async def rolling_out(control: Connection, generation: str) -> bool:
    """Whether a tenant's policy is still being rolled out in the generation."""
    async with in_schema(control, generation):
        return bool(await tenants_to_roll_out(control))


async def composed(control: Connection, generation: str) -> bool:
    """Whether the customer rows of the generation are those of its contacts as they are now."""
    async with in_schema(control, generation):
        return await has_composed(control)


@asynccontextmanager
async def in_schema(control: Connection, generation: str) -> AsyncIterator[None]:
    """One snapshot in which the tables' names mean the generation's."""
    async with control.transaction(isolation="repeatable_read", readonly=True):
        await control.execute(f"SET LOCAL search_path TO {generation}")
        yield
