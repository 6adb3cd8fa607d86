"""A tenant's conflicts by the page: refused links, and values that were set aside. Bounded, however many there are.

The newest first, or the links of the strongest ties first: of two verified phones that are refused somebody should
know, of a claimed one hardly.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.metadata import row_columns
from projections.engine.statements import compiled
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.links import STAFF_TIER
from projections.identity.tables import CONFLICTS, SET_ASIDE, ConflictRow, SetAsideRow

ConflictOrder = Literal["newest", "strongest"]


class ConflictPosition(NamedTuple):
    """The position of a conflict among a tenant's, newest first."""

    at: int
    contact_id: UUID
    type: str
    value: str
    session: str
    target: str


class StrongestPosition(NamedTuple):
    """The position of a conflict among a tenant's, the strongest first, of one tier the newest."""

    tier: int
    at: int
    contact_id: UUID
    type: str
    value: str
    session: str
    target: str


class SetAsidePosition(NamedTuple):
    """The position of a value that was set aside among a tenant's, newest first."""

    at: int
    contact_id: UUID
    event_id: str
    digest: int


AnyConflictPosition = ConflictPosition | StrongestPosition | SetAsidePosition
_LAST_TIER: Final = 9
_AFTER_ALL: Final = 2**63 - 1
_LONGEST_EVENT_ID: Final = 255
NEWEST: Final = ConflictPosition(_AFTER_ALL, UUID(int=0), "", "", "", "")
STRONGEST: Final = StrongestPosition(STAFF_TIER, *NEWEST)
_NEWEST_VALUE: Final = SetAsidePosition(_AFTER_ALL, UUID(int=0), "", 0)


def _in(table: sa.Table) -> sa.ColumnElement[bool]:
    """The rows of one resolution."""
    return sa.and_(table.c.tenant == sa.bindparam("tenant"), table.c.resolution_id == sa.bindparam("resolution_id"))


def _parameter(column: sa.Column[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(column.name, type_=sa.Text() if isinstance(column.type, sa.Text) else column.type)


_MOST: Final = sa.bindparam("most", type_=sa.Integer())
_NEWEST_FIRST: Final = (
    CONFLICTS.c.since,
    CONFLICTS.c.contact_id,
    CONFLICTS.c.type,
    CONFLICTS.c.value,
    CONFLICTS.c.session,
    CONFLICTS.c.target,
)
_NEWEST_VALUES: Final = (SET_ASIDE.c.at, SET_ASIDE.c.contact_id, SET_ASIDE.c.event_id, SET_ASIDE.c.digest)


def _before(table: sa.Table, order: Sequence[sa.Column[Any]]) -> str:
    """Selects the rows of a resolution before a position, newest first."""
    statement = (
        sa.select(*row_columns(table))
        .where(_in(table), sa.tuple_(*order) < sa.tuple_(*map(_parameter, order)))
        .order_by(*(column.desc() for column in order))
        .limit(_MOST)
    )
    return compiled(statement, "tenant", "resolution_id", *(str(column.key) for column in order), "most")


_CONFLICTS: Final = _before(CONFLICTS, _NEWEST_FIRST)
_SET_ASIDE: Final = _before(SET_ASIDE, _NEWEST_VALUES)


def _strongest() -> str:
    """Selects of each tier the newest, from a position on."""
    tier, at, *rest = (_parameter(column) for column in (CONFLICTS.c.tier, *_NEWEST_FIRST))
    tiers = sa.func.generate_series(tier, _LAST_TIER).table_valued("tier").render_derived(name="tiers")
    since = sa.case((tiers.c.tier == tier, at), else_=sa.literal(_AFTER_ALL, sa.BigInteger()))
    of_tier = (
        sa.select(*row_columns(CONFLICTS))
        .where(
            _in(CONFLICTS),
            CONFLICTS.c.tier == sa.cast(tiers.c.tier, sa.SmallInteger()),
            sa.tuple_(*_NEWEST_FIRST) < sa.tuple_(since, *rest),
        )
        .order_by(*(column.desc() for column in _NEWEST_FIRST))
        .limit(_MOST)
        .lateral("of_tier")
    )
    order = (of_tier.c[str(column.key)].desc() for column in _NEWEST_FIRST)
    found = sa.select(*of_tier.c).select_from(tiers.join(of_tier, sa.true())).order_by(of_tier.c.tier, *order)
    names = ("tenant", "resolution_id", "tier", *(str(column.key) for column in _NEWEST_FIRST), "most")
    return compiled(found.limit(_MOST), *names)


_STRONGEST: Final = _strongest()


def position_of(row: ConflictRow | SetAsideRow, order: ConflictOrder = "newest") -> AnyConflictPosition:
    """Where a page that follows this row begins."""
    if isinstance(row, SetAsideRow):
        return SetAsidePosition(row.at, row.contact_id, row.event_id, row.digest)
    position = ConflictPosition(row.since, row.contact_id, row.type, row.value, row.session, row.target)
    return position if order == "newest" else StrongestPosition(row.tier, *position)


async def conflicts(
    connection: Connection,
    resolution: ResolutionKey,
    *,
    after: AnyConflictPosition | None = None,
    limit: int,
    order: ConflictOrder = "newest",
) -> list[ConflictRow | SetAsideRow]:
    """Refused links and values that were set aside, after a position in the order; from the beginning without one.

    *Newest*: of one time by contact. *Strongest*: links by tier, of one tier the newest first; then the values.
    """
    if order == "strongest":
        return await _strongest_first(connection, resolution, after or STRONGEST, limit)
    after = after or NEWEST
    at, contact_id = after.at, after.contact_id
    # Of one time and contact, links come before values.
    of_links = ConflictPosition(at, contact_id, "", "", "", "") if isinstance(after, SetAsidePosition) else after
    last = SetAsidePosition(at, contact_id, "\U0010ffff" * (_LONGEST_EVENT_ID + 1), 0)
    values = await _values(connection, resolution, after if isinstance(after, SetAsidePosition) else last, limit)
    links = [ConflictRow(*row) for row in await connection.fetch(_CONFLICTS, *resolution, *of_links, limit)]
    both: list[ConflictRow | SetAsideRow] = [*links, *values]
    return sorted(both, key=_newest_first, reverse=True)[:limit]


async def _strongest_first(
    connection: Connection, resolution: ResolutionKey, after: AnyConflictPosition, limit: int
) -> list[ConflictRow | SetAsideRow]:
    if isinstance(after, SetAsidePosition):
        return list(await _values(connection, resolution, after, limit))
    links = [ConflictRow(*row) for row in await connection.fetch(_STRONGEST, *resolution, *after, limit)]
    return [*links, *await _values(connection, resolution, _NEWEST_VALUE, limit - len(links))]


async def _values(
    connection: Connection, resolution: ResolutionKey, after: SetAsidePosition, limit: int
) -> list[SetAsideRow]:
    found = await connection.fetch(_SET_ASIDE, *resolution, *after, limit) if limit else ()
    return [SetAsideRow(*row) for row in found]


def _newest_first(row: ConflictRow | SetAsideRow) -> tuple[Any, ...]:
    at, contact_id, *rest = position_of(row)
    return (at, contact_id, isinstance(row, ConflictRow), *rest)
