"""The rows of keys. One statement, however many keys; nothing is written but by `add…`, `rewrap…` and `destroy`."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import BYTEA

from projections.engine.connection import Connection
from projections.engine.statements import array, compiled, unnested
from projections.migrations.tables import DESTROYED_KEYS, SUBJECT_KEYS, TENANT_KEYS

KeyPlace = tuple[str, bytes]  # tenant, hash of the subject
_TEXT: Final = sa.Text()
# Destroyed keys are numbered in the order of their commits, so that who has seen a number has seen all before it.
_DESTROY_LOCK: Final = 0x0F01E


class SubjectKeyRow(NamedTuple):
    """A wrapped key."""

    tenant: str
    subject: bytes
    key_id: bytes
    wrapped: bytes


class DestroyedKey(NamedTuple):
    """That a key was destroyed."""

    tenant: str
    key_id: bytes


_KEYS: Final = [SUBJECT_KEYS.c[name] for name in SubjectKeyRow._fields]
_GIVEN_PLACES: Final = unnested("given", (SUBJECT_KEYS.c.tenant, SUBJECT_KEYS.c.subject))
_AT_PLACES: Final = sa.and_(
    SUBJECT_KEYS.c.tenant == _GIVEN_PLACES.c.tenant, SUBJECT_KEYS.c.subject == _GIVEN_PLACES.c.subject
)
_FIND: Final = compiled(
    sa.select(*_KEYS).select_from(_GIVEN_PLACES.join(SUBJECT_KEYS, _AT_PLACES)), "tenant", "subject"
)
_GIVEN_ROWS: Final = unnested("given", _KEYS)
_ADD: Final = compiled(
    postgresql.insert(SUBJECT_KEYS)
    .from_select(SubjectKeyRow._fields, sa.select(*_GIVEN_ROWS.c), include_defaults=False)
    .on_conflict_do_nothing()
    .returning(SUBJECT_KEYS.c.tenant, SUBJECT_KEYS.c.subject),
    *SubjectKeyRow._fields,
)
_FIND_TENANTS: Final = compiled(
    sa.select(TENANT_KEYS.c.tenant, TENANT_KEYS.c.wrapped).where(
        TENANT_KEYS.c.tenant == sa.any_(array("tenants", _TEXT))
    ),
    "tenants",
)
_ADD_TENANT: Final = compiled(
    postgresql.insert(TENANT_KEYS)
    .values(tenant=sa.bindparam("tenant", type_=_TEXT), wrapped=sa.bindparam("wrapped", type_=BYTEA()))
    .on_conflict_do_nothing(),
    "tenant",
    "wrapped",
)
_REWRAP_TENANT: Final = compiled(
    sa.update(TENANT_KEYS)
    .values(wrapped=sa.bindparam("rewrapped", type_=BYTEA()))
    .where(
        TENANT_KEYS.c.tenant == sa.bindparam("tenant", type_=_TEXT),
        TENANT_KEYS.c.wrapped == sa.bindparam("wrapped", type_=BYTEA()),
    ),
    "tenant",
    "wrapped",
    "rewrapped",
)
_ALL_TENANTS: Final = compiled(sa.select(TENANT_KEYS.c.tenant, TENANT_KEYS.c.wrapped))
_SOME_TENANTS: Final = compiled(
    sa.select(TENANT_KEYS.c.tenant, TENANT_KEYS.c.wrapped)
    .order_by(TENANT_KEYS.c.tenant)
    .limit(sa.bindparam("most", type_=sa.Integer())),
    "most",
)
_LOCK: Final = compiled(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(_DESTROY_LOCK, sa.BigInteger()))))
_DELETED: Final = (
    sa.delete(SUBJECT_KEYS)
    .where(
        SUBJECT_KEYS.c.tenant == sa.bindparam("tenant", type_=_TEXT),
        SUBJECT_KEYS.c.subject == sa.any_(array("subjects", BYTEA())),
    )
    .returning(SUBJECT_KEYS.c.tenant, SUBJECT_KEYS.c.key_id)
    .cte("deleted")
)
_DESTROY: Final = compiled(
    postgresql.insert(DESTROYED_KEYS)
    .from_select(("tenant", "key_id"), sa.select(_DELETED.c.tenant, _DELETED.c.key_id), include_defaults=False)
    .returning(DESTROYED_KEYS.c.key_id),
    "tenant",
    "subjects",
)
_GIVEN_IDS: Final = unnested("given", (DESTROYED_KEYS.c.tenant, DESTROYED_KEYS.c.key_id))
_AT_IDS: Final = sa.and_(DESTROYED_KEYS.c.tenant == _GIVEN_IDS.c.tenant, DESTROYED_KEYS.c.key_id == _GIVEN_IDS.c.key_id)
_FIND_DESTROYED: Final = compiled(
    sa.select(DESTROYED_KEYS.c.tenant, DESTROYED_KEYS.c.key_id).select_from(_GIVEN_IDS.join(DESTROYED_KEYS, _AT_IDS)),
    "tenant",
    "key_id",
)
_SINCE: Final = compiled(
    sa.select(DESTROYED_KEYS.c.number, DESTROYED_KEYS.c.tenant, DESTROYED_KEYS.c.key_id)
    .where(DESTROYED_KEYS.c.number > sa.bindparam("number", type_=sa.BigInteger()))
    .order_by(DESTROYED_KEYS.c.number),
    "number",
)
_LATEST: Final = compiled(sa.select(sa.func.coalesce(sa.func.max(DESTROYED_KEYS.c.number), 0)))


async def find_keys(connection: Connection, places: Collection[KeyPlace]) -> list[SubjectKeyRow]:
    """The wrapped keys that there are."""
    return [SubjectKeyRow(*row) for row in await connection.fetch(_FIND, *_columns(places))]


async def add_keys(connection: Connection, rows: Sequence[SubjectKeyRow]) -> set[KeyPlace]:
    """Add keys; the places of those that were added. Where there is one by now, it stays."""
    # In one order, so that two who add the same keys wait for each other and don't deadlock.
    return {(row[0], row[1]) for row in await connection.fetch(_ADD, *_columns(sorted(rows)))}


async def find_tenant_keys(connection: Connection, tenants: Collection[str]) -> dict[str, bytes]:
    """The wrapped keys of tenants that have one."""
    return {row[0]: row[1] for row in await connection.fetch(_FIND_TENANTS, list(tenants))}


async def all_tenant_keys(connection: Connection) -> dict[str, bytes]:
    """The wrapped key of every tenant that has one."""
    return {row[0]: row[1] for row in await connection.fetch(_ALL_TENANTS)}


async def some_tenant_keys(connection: Connection, most: int) -> dict[str, bytes]:
    """The wrapped keys of at most so many tenants."""
    return {row[0]: row[1] for row in await connection.fetch(_SOME_TENANTS, most)}


async def add_tenant_key(connection: Connection, tenant: str, wrapped: bytes) -> None:
    """Add a tenant's key, unless it has one by now."""
    await connection.execute(_ADD_TENANT, tenant, wrapped)


async def rewrap_tenant_key(connection: Connection, tenant: str, wrapped: bytes, rewrapped: bytes) -> None:
    """Store the same key as another master key wraps it, unless that was done meanwhile."""
    await connection.execute(_REWRAP_TENANT, tenant, wrapped, rewrapped)


async def destroy(connection: Connection, tenant: str, subjects: Collection[bytes]) -> int:
    """Delete the keys of subjects, in the caller's transaction; how many there were. Others who destroy wait for it."""
    await connection.execute(_LOCK)
    return len(await connection.fetch(_DESTROY, tenant, list(subjects)))


async def find_destroyed(connection: Connection, keys: Collection[DestroyedKey]) -> set[DestroyedKey]:
    """Those of the keys that were destroyed."""
    return {DestroyedKey(*row) for row in await connection.fetch(_FIND_DESTROYED, *_columns(keys))}


async def destroyed_since(connection: Connection, number: int) -> tuple[int, set[DestroyedKey]]:
    """The keys destroyed after the one of this number, and the number of the latest."""
    rows = await connection.fetch(_SINCE, number)
    return (rows[-1][0] if rows else number), {DestroyedKey(*row[1:]) for row in rows}


async def latest_destroyed(connection: Connection) -> int:
    """The number of the latest key that was destroyed; 0 if none was."""
    found: Any = await connection.fetchval(_LATEST)
    return int(found)


def _columns(rows: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
