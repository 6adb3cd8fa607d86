"""Reads a tenant's segments from the events that save them: of each the latest by time and event id counts.

The timeline has each of these events once, with an index of them alone, so that a segment holds as soon as its event
is visible. An event whose filter can't be read stays: its segment says what is wrong with it.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from projections.customers.search.known_values import below
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT
from projections.engine.statements import array, compiled
from projections.migrations.tables import SEGMENT_SIZES
from projections.timeline.tables import SEGMENT_ID, SEGMENT_TYPE
from projections.timeline.tables import TABLE as TIMELINE

_SHOWN: Final = (sa.cast(TIMELINE.c.data, sa.Text).label("data"), TIMELINE.c.occurred_at, TIMELINE.c.event_id)
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_SAVED: Final = (
    TIMELINE.c.tenant == _TENANT,
    TIMELINE.c.contact_id == sa.literal(NO_CONTACT, sa.Uuid()),
    TIMELINE.c.type == SEGMENT_TYPE,
)
_NEWEST: Final = (TIMELINE.c.occurred_at.desc(), TIMELINE.c.event_id.desc())
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer())


class SegmentVersion(NamedTuple):
    """A segment as one event saved it: who did, and when, in ms. ``filter`` is JSON as it was written."""

    segment: str
    name: str | None
    names: Mapping[str, str]
    filter: Any
    deleted: bool
    by: str | None
    saved_at: int
    event_id: str


class SegmentSize(NamedTuple):
    """How many customers a segment had on a day, UTC; None where they were not counted, and ``problem`` says why.

    ``counted_at`` is the moment, in ms.
    """

    day: date
    customers: int | None
    problem: str | None
    counted_at: int


def _latest(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Selects the latest event of each segment, in the order of their ids."""
    return (
        sa.select(*_SHOWN, SEGMENT_ID.label("segment"), TIMELINE.c.data["deleted"].astext.label("deleted"))
        .ext(distinct_on(SEGMENT_ID))
        .where(*_SAVED, *conditions)
        .order_by(SEGMENT_ID, *_NEWEST)
    )


def _page() -> str:
    after, prefix, end = (sa.bindparam(name, type_=sa.Text()) for name in ("after", "prefix", "below"))
    latest = _latest(after < SEGMENT_ID, prefix <= SEGMENT_ID, end > SEGMENT_ID).subquery("latest")
    existing = sa.func.coalesce(latest.c.deleted, "false") != "true"
    chosen = sa.select(latest.c.data, latest.c.occurred_at, latest.c.event_id).where(existing)
    return compiled(chosen.order_by(latest.c.segment).limit(_LIMIT), "tenant", "after", "prefix", "below", "limit")


def _versions() -> str:
    place = sa.tuple_(TIMELINE.c.occurred_at, TIMELINE.c.event_id)
    before = sa.tuple_(sa.bindparam("before", type_=sa.BigInteger()), sa.bindparam("event_id", type_=sa.Text()))
    chosen = sa.select(*_SHOWN).where(*_SAVED, sa.bindparam("segment", type_=sa.Text()) == SEGMENT_ID, place < before)
    return compiled(chosen.order_by(*_NEWEST).limit(_LIMIT), "tenant", "segment", "before", "event_id", "limit")


def _due() -> str:
    """Selects the first segment that is not deleted and has no size of the day."""
    latest = _latest().subquery("latest")
    day = sa.bindparam("day", type_=sa.Date())
    sizes = SEGMENT_SIZES.c
    counted = sa.exists().where(sizes.tenant == _TENANT, sizes.segment == latest.c.segment, sizes.day == day)
    existing = sa.func.coalesce(latest.c.deleted, "false") != "true"
    chosen = sa.select(latest.c.segment).where(existing, sa.not_(counted)).order_by(latest.c.segment).limit(1)
    return compiled(chosen, "tenant", "day")


def _sizes() -> str:
    sizes, first, last = SEGMENT_SIZES.c, *(sa.bindparam(name, type_=sa.Date()) for name in ("first", "last"))
    chosen = sa.select(sizes.day, sizes.customers, sizes.problem, sizes.counted_at).where(
        sizes.tenant == _TENANT,
        sizes.segment == sa.bindparam("segment", type_=sa.Text()),
        sizes.day.between(first, last),
    )
    return compiled(chosen.order_by(sizes.day), "tenant", "segment", "first", "last")


_DUE: Final = _due()
_SIZES: Final = _sizes()
_TENANTS: Final = compiled(
    sa.select(TIMELINE.c.tenant).where(TIMELINE.c.type == SEGMENT_TYPE).distinct().order_by(TIMELINE.c.tenant)
)
_NAMED: Final = compiled(_latest(sa.any_(array("segments", sa.Text())) == SEGMENT_ID), "tenant", "segments")
_PAGE: Final = _page()
_VERSIONS: Final = _versions()


async def segments_named(connection: Connection, tenant: str, segments: Collection[str]) -> dict[str, SegmentVersion]:
    """Those of the ids that were ever saved, as they were last; deleted ones too. One statement."""
    rows = await connection.fetch(_NAMED, tenant, list(segments))
    return {one.segment: one for one in map(_version, rows)}


async def segments_after(
    connection: Connection, tenant: str, after: str, limit: int, *, prefix: str = ""
) -> list[SegmentVersion]:
    """The next segments that are not deleted, of those whose ids begin so, in the order of their ids. One statement."""
    rows = await connection.fetch(_PAGE, tenant, after, prefix, below(prefix), limit)
    return [_version(row) for row in rows]


async def versions_of(
    connection: Connection, tenant: str, segment: str, before: tuple[int, str], limit: int
) -> list[SegmentVersion]:
    """What was saved of a segment, also that it was deleted, the newest first. One statement.

    ``before`` is the time and the event id of the last one of the page before.
    """
    return [_version(row) for row in await connection.fetch(_VERSIONS, tenant, segment, *before, limit)]


async def tenants_with_segments(connection: Connection) -> list[str]:
    """The tenants that ever saved a segment, sorted."""
    return [row[0] for row in await connection.fetch(_TENANTS)]


async def segment_due(connection: Connection, tenant: str, day: date) -> str | None:
    """A segment whose size of the day is not known; None if there is none."""
    found: str | None = await connection.fetchval(_DUE, tenant, day)
    return found


async def sizes_of(connection: Connection, tenant: str, segment: str, first: date, last: date) -> list[SegmentSize]:
    """The sizes on the days from the first to the last on which it was counted. One statement."""
    return [SegmentSize(*row) for row in await connection.fetch(_SIZES, tenant, segment, first, last)]


def _version(row: Any) -> SegmentVersion:
    saved = orjson.loads(row["data"])
    names = {language: name for language, name in (saved.get("names") or {}).items() if name}
    return SegmentVersion(
        saved["segment"],
        saved.get("name"),
        names,
        saved.get("filter"),
        bool(saved.get("deleted")),
        saved.get("by"),
        row["occurred_at"],
        row["event_id"],
    )
