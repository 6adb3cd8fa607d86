"""The values that a tenant's customers have, in their order: what an editor of filters proposes while somebody types.

Each statement reads a bounded number of rows of an index, whatever a tenant has.
"""

from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa

from projections.customers.tables import CUSTOMER_ROWS, CUSTOMER_TERMS
from projections.engine.connection import Connection
from projections.engine.statements import compiled

_SPARE: Final = 200  # rows beyond a page's that are read: of terms that no customer has any more
_LOOKED_AT: Final = 1_000  # customers
_LONGEST: Final = 1_000  # characters of an attribute's value, as JSON
_BEYOND: Final = "\U0010ffff"  # no value has this character
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_PREFIX: Final = sa.bindparam("prefix", type_=sa.Text())
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer())
TERMS: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.value, CUSTOMER_TERMS.c.customers)
    .where(
        CUSTOMER_TERMS.c.tenant == _TENANT,
        CUSTOMER_TERMS.c.kind == sa.bindparam("kind", type_=sa.Text()),
        CUSTOMER_TERMS.c.value >= _PREFIX,
        CUSTOMER_TERMS.c.value > sa.bindparam("after", type_=sa.Text()),
        CUSTOMER_TERMS.c.value < sa.bindparam("below", type_=sa.Text()),
    )
    .order_by(CUSTOMER_TERMS.c.value)
    .limit(_LIMIT),
    *("tenant", "kind", "prefix", "after", "below", "limit"),
)


def _newest() -> str:
    """Selects the different values of an attribute among the newest customers."""
    newest = (
        sa.select(CUSTOMER_ROWS.c.attributes[sa.bindparam("key", type_=sa.Text())][1].label("value"))
        .where(CUSTOMER_ROWS.c.tenant == _TENANT)
        .order_by(CUSTOMER_ROWS.c.first_seen_at.desc(), CUSTOMER_ROWS.c.customer_id.desc())
        .limit(_LOOKED_AT)
        .subquery("newest")
    )
    text = newest.c.value.op("#>>")(sa.literal("{}"))
    chosen = sa.select(sa.cast(newest.c.value, sa.Text())).where(sa.func.starts_with(text, _PREFIX)).distinct()
    return compiled(chosen, "tenant", "key", "prefix")


NEWEST: Final = _newest()


class KnownValue(NamedTuple):
    """A value, and how many customers have it; None where they were not counted."""

    value: Any
    customers: int | None


class ValuesAsked(NamedTuple):
    """A page of values: those that begin so, after another one, and how many at most."""

    prefix: str
    after: str
    limit: int


class KnownValues(NamedTuple):
    """Some values in their order, and the one after which the next page begins; None at the end."""

    values: list[KnownValue]
    next: str | None


def below(prefix: str) -> str:
    """A text that is greater than all that begin with the prefix."""
    return prefix + _BEYOND


async def values_of(connection: Connection, tenant: str, kind: str, asked: ValuesAsked) -> KnownValues:
    """The next values of a kind of terms, with exact counts. One statement.

    A page may be shorter than its limit, and even empty, and still not be the last.
    """
    prefix, after, limit = asked
    most = limit + _SPARE
    rows = await connection.fetch(TERMS, tenant, kind, prefix, after, below(prefix), most)
    found = [KnownValue(*row) for row in rows if row[1] > 0]
    if len(found) > limit:
        return KnownValues(found[:limit], found[limit - 1].value)
    return KnownValues(found, rows[-1][0] if len(rows) == most else None)


async def attribute_values(connection: Connection, tenant: str, key: str, asked: ValuesAsked) -> KnownValues:
    """The next values of an attribute among the newest customers, in the order of their JSON. One statement.

    Those of more than 1,000 characters are left out: nobody chooses them from a list.
    """
    rows = await connection.fetch(NEWEST, tenant, key, asked.prefix)
    found = sorted(row[0] for row in rows if row[0] > asked.after and len(row[0]) <= _LONGEST)
    values = [KnownValue(orjson.loads(one), None) for one in found[: asked.limit]]
    return KnownValues(values, found[asked.limit - 1] if len(found) > asked.limit else None)
