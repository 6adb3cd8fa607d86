"""Writes a delta: one statement a table, or two, whatever the number of rows."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import Key, key_columns
from projections.engine.statements import compiled, unnested
from projections.engine.store import Insert, columns, delete_matching, insert, insert_with, upsert
from projections.identity.delta import IdentityDelta
from projections.identity.tables import (
    CANONICAL_IDS,
    CONFLICTS,
    CONTACT_STATES,
    CUSTOMERS,
    HOLDINGS,
    MEMBERS,
    PAIR_DECISIONS,
    REFERENCES,
    SET_ASIDE,
    STATUSES,
)

KEY: Final = ("tenant", "resolution_id")


def _earliest(statement: postgresql.Insert) -> postgresql.Insert:
    earlier = sa.func.least(REFERENCES.c.first_at, statement.excluded.first_at)
    return statement.on_conflict_do_update(index_elements=key_columns(REFERENCES), set_={"first_at": earlier})


_EARLIEST_REFERENCES: Final = insert_with(REFERENCES, _earliest)
_TABLES: Final = {
    "canonical_ids": CANONICAL_IDS,
    "contact_states": CONTACT_STATES,
    "holdings": HOLDINGS,
    "statuses": STATUSES,
    "references": REFERENCES,
    "pairs": PAIR_DECISIONS,
    "members": MEMBERS,
    "customers": CUSTOMERS,
    "conflicts": CONFLICTS,
    "set_aside": SET_ASIDE,
}
_UPSERTS: Final[dict[str, Insert]] = {
    name: _EARLIEST_REFERENCES if name == "references" else upsert(table) for name, table in _TABLES.items()
}
_ANEW: Final = upsert(REFERENCES)
_DELETES: Final = {name: delete_matching(table, *key_columns(table)) for name, table in _TABLES.items()}


def _move() -> str:
    names = (*KEY, "customer_id", "component_id")
    given = unnested("given", [*(MEMBERS.c[name] for name in names), sa.column("to_customer", sa.Uuid())])
    same = (MEMBERS.c[name] == given.c[name] for name in (*KEY, "customer_id"))
    values = {"component_id": given.c.component_id, "customer_id": given.c.to_customer}
    return compiled(sa.update(MEMBERS).where(*same).values(values), *names, "to_customer")


_MOVE: Final = _move()


async def save_delta(connection: Connection, delta: IdentityDelta) -> None:
    """Write what a chunk changes, or a step of it."""
    if delta.moves:
        await connection.execute(_MOVE, *columns(delta.moves))
    for name in _TABLES:
        await _delete(connection, _DELETES[name], getattr(delta, f"{name}_gone", ()))
        await insert(connection, _UPSERTS[name], getattr(delta, name))
    await insert(connection, _ANEW, delta.references_anew)


async def _delete(connection: Connection, statement: str, keys: Collection[Key]) -> None:
    if keys:
        await connection.execute(statement, *columns(keys))
