"""Reads for the index of a tenant's customers: their rows, which of them the composer wrote since, and single values.

Call everything that brings an index to one turn in one snapshot.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.index.rows import Loaded
from projections.customers.rows import MS_OF_HOUR
from projections.customers.search.conditions import StatementParameters
from projections.customers.search.queries import Search, condition_of
from projections.customers.tables import COMPOSED, COMPOSED_CHANGES, CUSTOMER_CONTACTS, CUSTOMER_ROWS, CUSTOMER_TERMS
from projections.customers.terms import Term
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled, compiled_once

_ROW: Final = CUSTOMER_ROWS.c
_CONTACT: Final = CUSTOMER_CONTACTS.c
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_AFTER: Final = sa.bindparam("after", type_=sa.Uuid())
_IDS: Final = array("customer_ids", sa.Uuid())
_TIMES: Final = ("last_customer", "last_team", "last_marketing")


def _exact(name: str) -> sa.ColumnElement[int]:
    """A contact's latest time, within the hour that the composer wrote: what came later is not composed yet."""
    begin = sa.cast(_CONTACT[f"{name}_hour"], sa.BigInteger()) * MS_OF_HOUR
    at = CONTACTS.c[f"{name}_at"]
    return sa.case((begin.is_(None), sa.null()), else_=sa.func.least(sa.func.greatest(at, begin), begin + _TO_END))


_TO_END: Final = MS_OF_HOUR - 1
_CUSTOMERS: Final = sa.select(
    sa.func.uuid_send(_ROW.customer_id),
    _ROW.contacts,
    _ROW.first_seen_at,
    *(_ROW[f"{name}_at"] for name in _TIMES),
    _ROW.valid_since,
    _ROW.tags,
    _ROW.attributes,
    sa.func.array_send(_ROW.terms),
    sa.func.array_send(_ROW.grams),
).where(_ROW.tenant == _TENANT)
_CONTACTS: Final = (
    sa.select(
        sa.func.uuid_send(_CONTACT.customer_id),
        *(_CONTACT[name] for name in ("channel", "account", "subscribed", "subscribed_at", "valid", "bound", "staff")),
        *(_CONTACT[name] for name in ("branch", "opted_out", "notified", "counted_at", "first_seen_at")),
        *map(_exact, _TIMES),
    )
    .select_from(
        CUSTOMER_CONTACTS.outerjoin(
            CONTACTS, sa.and_(CONTACTS.c.tenant == _CONTACT.tenant, CONTACTS.c.contact_id == _CONTACT.contact_id)
        )
    )
    .where(_CONTACT.tenant == _TENANT)
    .order_by(_CONTACT.customer_id, _CONTACT.contact_id)
)
_CUSTOMERS_AFTER: Final = compiled(
    _CUSTOMERS.where(_ROW.customer_id > _AFTER)
    .order_by(_ROW.customer_id)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "after", "limit"),
)
_CONTACTS_BETWEEN: Final = compiled(
    _CONTACTS.where(_CONTACT.customer_id > _AFTER, _CONTACT.customer_id <= sa.bindparam("upto", type_=sa.Uuid())),
    *("tenant", "after", "upto"),
)
_TIMES_OF: Final = compiled(
    sa.select(sa.func.uuid_send(_ROW.customer_id), *(_ROW[f"{name}_at"] for name in _TIMES))
    .where(_ROW.tenant == _TENANT, _ROW.customer_id == sa.any_(_IDS))
    .order_by(_ROW.customer_id),
    *("tenant", "customer_ids"),
)
_TIMES_OF_CONTACTS: Final = compiled(
    _CONTACTS.with_only_columns(sa.func.uuid_send(_CONTACT.customer_id), *map(_exact, _TIMES)).where(
        _CONTACT.customer_id == sa.any_(_IDS)
    ),
    *("tenant", "customer_ids"),
)
_CUSTOMERS_OF: Final = compiled(
    _CUSTOMERS.where(_ROW.customer_id == sa.any_(_IDS)).order_by(_ROW.customer_id), *("tenant", "customer_ids")
)
_CONTACTS_OF: Final = compiled(_CONTACTS.where(_CONTACT.customer_id == sa.any_(_IDS)), *("tenant", "customer_ids"))


def _changes() -> str:
    """Selects the present turn of a tenant's composer, and the customers that it wrote in each since a turn."""
    noted = COMPOSED_CHANGES
    since = sa.and_(noted.c.tenant == COMPOSED.c.tenant, noted.c.turn > sa.bindparam("turn", type_=sa.BigInteger()))
    return compiled(
        sa.select(
            sa.literal_column("composed.tableoid", sa.BigInteger()),
            COMPOSED.c.turn,
            COMPOSED.c.position,
            noted.c.turn,
            noted.c.changed,
            noted.c.seen,
        )
        .select_from(COMPOSED.outerjoin(noted, since))
        .where(COMPOSED.c.tenant == _TENANT)
        .order_by(noted.c.turn)
        .limit(sa.bindparam("limit", type_=sa.Integer())),
        *("tenant", "turn", "limit"),
    )


_CHANGES: Final = _changes()
_TERM: Final = (CUSTOMER_TERMS.c.term, CUSTOMER_TERMS.c.kind, CUSTOMER_TERMS.c.value)
_NAMES: Final = compiled(sa.select(*_TERM).where(CUSTOMER_TERMS.c.tenant == _TENANT), "tenant")
_NAMES_OF: Final = compiled(
    sa.select(*_TERM).where(
        CUSTOMER_TERMS.c.tenant == _TENANT, CUSTOMER_TERMS.c.term == sa.any_(array("ids", sa.BigInteger()))
    ),
    *("tenant", "ids"),
)
_COUNTED_AT: Final = compiled(
    sa.select(sa.func.uuid_send(_CONTACT.customer_id), _CONTACT.channel, _CONTACT.account, _CONTACT.counted_as)
    .where(_CONTACT.tenant == _TENANT, _CONTACT.counted_at == sa.bindparam("at", type_=sa.BigInteger()))
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "at", "limit"),
)


class ComposedSince(NamedTuple):
    """What the composer of a tenant's rows did since a turn.

    ``table`` tells generations apart. It is at ``turn``; not ``complete``, a pass over all customers is under way. The
    customers are those of the turns up to ``upto``; of those that were only ``seen``, nothing but times are others.
    Not ``known``, it is not there any more what those turns wrote.
    """

    table: int
    turn: int
    complete: bool
    upto: int
    changed: frozenset[UUID]
    seen: frozenset[UUID]
    known: bool


async def changes_since(connection: Connection, tenant: str, turn: int, most: int) -> ComposedSince | None:
    """What the next turns wrote, ``most`` of them; None for a tenant that has no rows. One statement."""
    rows = await connection.fetch(_CHANGES, tenant, turn, most)
    if not rows:
        return None
    table, present, position = rows[0][:3]
    noted = [row[3:] for row in rows if row[3] is not None]
    changed = frozenset(one for _, ids, _ in noted for one in ids)
    seen = frozenset(one for _, _, ids in noted for one in ids) - changed
    known = [row[0] for row in noted] == [*range(turn + 1, turn + 1 + len(noted))] and (noted or present <= turn)
    return ComposedSince(table, present, position is None, turn + len(noted), changed, seen, bool(known))


async def customers_after(connection: Connection, tenant: str, after: UUID, limit: int) -> Loaded:
    """The next customers by their ids, with their contacts. Two statements."""
    customers = await connection.fetch(_CUSTOMERS_AFTER, tenant, after, limit)
    if not customers:
        return Loaded((), ())
    return Loaded(
        customers, await connection.fetch(_CONTACTS_BETWEEN, tenant, after, UUID(bytes=bytes(customers[-1][0])))
    )


async def customers_of(connection: Connection, tenant: str, customer_ids: Sequence[UUID]) -> Loaded:
    """Those of the customers that there are, with their contacts. Two statements."""
    customers = await connection.fetch(_CUSTOMERS_OF, tenant, customer_ids)
    return Loaded(customers, await connection.fetch(_CONTACTS_OF, tenant, customer_ids))


async def times_of(connection: Connection, tenant: str, customer_ids: Sequence[UUID]) -> Loaded:
    """The latest times of those of the customers that there are, and of their contacts. Two statements."""
    customers = await connection.fetch(_TIMES_OF, tenant, customer_ids)
    return Loaded(customers, await connection.fetch(_TIMES_OF_CONTACTS, tenant, customer_ids))


async def names_of(connection: Connection, tenant: str, ids: Collection[int] | None = None) -> dict[int, Term]:
    """What terms say, by their ids; of all terms that the tenant's customers have, unless some are given."""
    rows = await (connection.fetch(_NAMES, tenant) if ids is None else connection.fetch(_NAMES_OF, tenant, [*ids]))
    return {one: Term(kind, value) for one, kind, value in rows}


async def ids_of(connection: Connection, search: Search, most: int) -> list[bytes] | None:
    """The customers that a search finds; None if they are more than ``most``."""
    parameters = StatementParameters()
    chosen = (
        sa.select(sa.func.uuid_send(_ROW.customer_id))
        .where(condition_of(search, parameters))
        .limit(parameters(most + 1, sa.BigInteger()))
    )
    rows: list[Any] = await connection.fetch(compiled_once(chosen, *parameters.values), *parameters.values.values())
    return None if len(rows) > most else [row[0] for row in rows]


class CountedContact(NamedTuple):
    """A contact that counts for quota: its customer, and its place among those of the same time."""

    customer_id: bytes
    place: tuple[str, str, str]


async def counted_at(connection: Connection, tenant: str, at: int, most: int) -> list[CountedContact] | None:
    """The contacts that count since a time; None if they are more than ``most``."""
    rows = await connection.fetch(_COUNTED_AT, tenant, at, most + 1)
    return None if len(rows) > most else [CountedContact(row[0], tuple(row[1:])) for row in rows]
