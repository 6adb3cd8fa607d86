"""Counts the valid contacts of a chunk: by what its contacts add to the counters before and after.

And keeps the level of a quota that was announced last.
"""

from collections.abc import Callable, Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.valid_days import DayChanges, totals
from projections.engine.chunk import ChunkStore
from projections.engine.connection import Connection
from projections.engine.forwarding import ForwardingStore
from projections.engine.generations import changes_suffix
from projections.engine.metadata import Key, Row, Table, key_columns
from projections.engine.statements import compiled
from projections.engine.store import insert, insert_with
from projections.migrations.tables import QUOTA_LEVELS
from projections.quota.folds import difference, row_of
from projections.quota.tables import TABLE


def _add(statement: postgresql.Insert) -> postgresql.Insert:
    sums = {name: TABLE.c[name] + statement.excluded[name] for name in ("valid", "began", "ended")}
    return statement.on_conflict_do_update(index_elements=key_columns(TABLE), set_=sums)


_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_BEFORE: Final = sa.bindparam("before", type_=sa.Integer())
_AFTER: Final = sa.bindparam("after", type_=sa.Integer())


def _announced() -> str:
    """Selects the level, 0 before the first; no row while the connection's generation is not the active one."""
    active = changes_suffix(only_active=True).subquery("active")
    same = sa.and_(QUOTA_LEVELS.c.changes_suffix == active.c.changes_suffix, QUOTA_LEVELS.c.tenant == _TENANT)
    level = sa.func.coalesce(QUOTA_LEVELS.c.level, 0)
    return compiled(sa.select(level).select_from(active.outerjoin(QUOTA_LEVELS, same)), "tenant")


def _change() -> str:
    active = changes_suffix(only_active=True).subquery("active")
    statement = postgresql.insert(QUOTA_LEVELS).from_select(
        ["changes_suffix", "tenant", "level"], sa.select(active.c.changes_suffix, _TENANT, _AFTER)
    )
    changed = statement.on_conflict_do_update(
        index_elements=key_columns(QUOTA_LEVELS),
        set_={"level": statement.excluded.level},
        where=QUOTA_LEVELS.c.level == _BEFORE,
    )
    return compiled(changed.returning(QUOTA_LEVELS.c.level), "tenant", "before", "after")


_ADD: Final = insert_with(TABLE, _add)
_ANNOUNCED: Final = _announced()
_CHANGE: Final = _change()
_LEVELS: Final = compiled(
    sa.select(QUOTA_LEVELS.c.tenant, QUOTA_LEVELS.c.level).where(
        QUOTA_LEVELS.c.changes_suffix == changes_suffix().scalar_subquery()
    )
)


class CountingStore(ForwardingStore):
    """See `ChunkStore`: passes everything on, and keeps the contacts' rows as they were and as they become."""

    def __init__(self, store: ChunkStore) -> None:
        super().__init__(store)
        self._before: dict[Key, Any] = {}
        self._after: dict[Key, Any] = {}

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        rows = await super().load(table, keys)
        if table is CONTACTS:
            self._before |= rows
        return rows

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        if table is CONTACTS:
            self._after.update((row[:2], row) for row in rows)
        await super().save(table, rows)

    async def delete_contacts(self, table: Table, contacts: Collection[Key]) -> None:
        """See `ChunkStore`."""
        if table is CONTACTS:
            await self.load(table, [key for key in contacts if key not in self._before])
            self._after.update(dict.fromkeys(contacts))
        await super().delete_contacts(table, contacts)

    def changes(self, partition_of: Callable[[UUID], int]) -> DayChanges:
        """How the chunk changes the counters, by (tenant, partition, channel, account, day)."""
        return totals(
            ((tenant, partition_of(contact_id), *rest), counts)
            for (of_tenant, contact_id), row in self._after.items()
            for (tenant, *rest), counts in difference(self._before.get((of_tenant, contact_id)), row).items()
        )


async def save_changes(connection: Connection, changes: DayChanges) -> None:
    """Change the counters, in the chunk's transaction. One statement."""
    await insert(connection, _ADD, [row_of(key, counts) for key, counts in sorted(changes.items())])


async def announced_level(connection: Connection, tenant: str) -> int | None:
    """The threshold that was announced last; 0 for none, None while another generation is the active one."""
    level: int | None = await connection.fetchval(_ANNOUNCED, tenant)
    return level


async def change_level(connection: Connection, tenant: str, before: int, after: int) -> bool:
    """Note that another threshold is announced; False if somebody else did since it was ``before``."""
    return await connection.fetchval(_CHANGE, tenant, before, after) is not None


async def announced_levels(connection: Connection) -> dict[str, int]:
    """The threshold that was announced last, of each tenant that ever crossed one."""
    return dict(tuple(row) for row in await connection.fetch(_LEVELS))
