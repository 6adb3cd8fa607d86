"""Reads what staff decided of pairs of contacts, and which member ids were merged, each with who and why, newest first.

Of a pair the latest decision is read, whichever of the two contacts states it; of a member id its latest merge.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.tables import CANONICAL_IDS, MEMBER_MERGES, PAIR_DECISIONS, STATEMENTS

_AFTER_ALL: Final = 2**63 - 1
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_RESOLUTION: Final = sa.bindparam("resolution_id", type_=sa.Text())
_MOST: Final = sa.bindparam("most", type_=sa.Integer())


class DecisionPosition(NamedTuple):
    """The position of a decision among a tenant's, newest first."""

    at: int
    event_id: str
    by_id: UUID


class MergePosition(NamedTuple):
    """The position of a merge of member ids among a tenant's, newest first."""

    at: int
    event_id: str


class StoredDecision(NamedTuple):
    """A decision about two contacts; ``by`` and ``note`` are None where the event that states it is gone."""

    at: int
    event_id: str
    a_id: UUID
    b_id: UUID
    a: str
    b: str
    verdict: str
    by: str | None
    note: str | None

    @property
    def position(self) -> DecisionPosition:
        """Where the page after it begins."""
        return DecisionPosition(self.at, self.event_id, self.a_id)


class StoredMerge(NamedTuple):
    """What a member id became; ``into`` is None if that was taken back."""

    at: int
    event_id: str
    member_id: str
    into: str | None
    by: str | None

    @property
    def position(self) -> MergePosition:
        """Where the page after it begins."""
        return MergePosition(self.at, self.event_id)


NEWEST_DECISION: Final = DecisionPosition(_AFTER_ALL, "", UUID(int=0))
NEWEST_MERGE: Final = MergePosition(_AFTER_ALL, "")
_PAIRS: Final = PAIR_DECISIONS.c
_ORDER: Final = (_PAIRS.at, _PAIRS.event_id, _PAIRS.by_id)


def _decisions(*which: sa.ColumnElement[bool], parameters: Sequence[str]) -> str:
    """Selects decisions that count for their pair, with the content of the events that state them."""
    newer = PAIR_DECISIONS.alias("newer")
    overruled = sa.exists().where(
        newer.c.tenant == _PAIRS.tenant,
        newer.c.resolution_id == _PAIRS.resolution_id,
        newer.c.by_id == _PAIRS.other_id,
        newer.c.other_id == _PAIRS.by_id,
        sa.tuple_(newer.c.at, newer.c.event_id, newer.c.by_contact)
        > sa.tuple_(_PAIRS.at, _PAIRS.event_id, _PAIRS.by_contact),
    )
    stated = sa.and_(
        STATEMENTS.c.tenant == _PAIRS.tenant,
        STATEMENTS.c.contact_id == _PAIRS.by_id,
        STATEMENTS.c.event_id == _PAIRS.event_id,
    )
    chosen = (_PAIRS.at, _PAIRS.event_id, _PAIRS.by_id, _PAIRS.other_id, _PAIRS.by_contact, _PAIRS.other_contact)
    return compiled(
        sa.select(*chosen, _PAIRS.verdict, STATEMENTS.c.content)
        .select_from(PAIR_DECISIONS.outerjoin(STATEMENTS, stated))
        .where(_PAIRS.tenant == _TENANT, _PAIRS.resolution_id == _RESOLUTION, *which, ~overruled)
        .order_by(*(column.desc() for column in _ORDER))
        .limit(_MOST),
        "tenant",
        "resolution_id",
        *parameters,
        "most",
    )


def _merges(*which: sa.ColumnElement[bool], parameters: Sequence[str]) -> str:
    """Selects merges that count for their member id."""
    known, newer = MEMBER_MERGES.c, MEMBER_MERGES.alias("newer")
    overruled = sa.exists().where(
        newer.c.tenant == known.tenant,
        newer.c.member_id == known.member_id,
        sa.tuple_(newer.c.at, newer.c.event_id) > sa.tuple_(known.at, known.event_id),
    )
    return compiled(
        sa.select(known.at, known.event_id, known.member_id, known.content)
        .where(known.tenant == _TENANT, *which, ~overruled)
        .order_by(known.at.desc(), known.event_id.desc())
        .limit(_MOST),
        "tenant",
        *parameters,
        "most",
    )


def _about_contacts() -> str:
    ids = sa.any_(array("contact_ids", sa.Uuid()))
    return _decisions(sa.or_(_PAIRS.by_id == ids, _PAIRS.other_id == ids), parameters=["contact_ids"])


def _into_member() -> str:
    """Selects what became a canonical member id, and what that id itself was merged into and is not any more."""
    canonical = sa.bindparam("member_id", type_=sa.Text())
    became = sa.select(CANONICAL_IDS.c.member_id).where(
        CANONICAL_IDS.c.tenant == _TENANT,
        CANONICAL_IDS.c.resolution_id == _RESOLUTION,
        CANONICAL_IDS.c.canonical == canonical,
    )
    member_id = MEMBER_MERGES.c.member_id
    return _merges(sa.or_(member_id == canonical, member_id.in_(became)), parameters=["resolution_id", "member_id"])


_POSITION: Final = sa.tuple_(
    sa.bindparam("at", type_=sa.BigInteger()),
    sa.bindparam("event_id", type_=sa.Text()),
    sa.bindparam("by_id", type_=sa.Uuid()),
)
_MERGE_POSITION: Final = sa.tuple_(sa.bindparam("at", type_=sa.BigInteger()), sa.bindparam("event_id", type_=sa.Text()))
_DECISIONS: Final = _decisions(sa.tuple_(*_ORDER) < _POSITION, parameters=["at", "event_id", "by_id"])
_ABOUT_CONTACTS: Final = _about_contacts()
_MERGES: Final = _merges(
    sa.tuple_(MEMBER_MERGES.c.at, MEMBER_MERGES.c.event_id) < _MERGE_POSITION, parameters=["at", "event_id"]
)
_INTO_MEMBER: Final = _into_member()


async def decisions(
    connection: Connection, resolution: ResolutionKey, after: DecisionPosition, most: int
) -> list[StoredDecision]:
    """A page of the tenant's decisions."""
    return [_decision(row) for row in await connection.fetch(_DECISIONS, *resolution, *after, most)]


async def decisions_about(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID], most: int
) -> list[StoredDecision]:
    """The latest decisions about these contacts."""
    return [_decision(row) for row in await connection.fetch(_ABOUT_CONTACTS, *resolution, contact_ids, most)]


async def merges(connection: Connection, tenant: str, after: MergePosition, most: int) -> list[StoredMerge]:
    """A page of the tenant's merges of member ids."""
    return [_merge(row) for row in await connection.fetch(_MERGES, tenant, *after, most)]


async def merges_into(
    connection: Connection, resolution: ResolutionKey, member_id: str, most: int
) -> list[StoredMerge]:
    """The latest merges that led to a canonical member id, and a merge of the id itself that was taken back."""
    return [_merge(row) for row in await connection.fetch(_INTO_MEMBER, *resolution, member_id, most)]


def _decision(row: Any) -> StoredDecision:
    *known, content = row
    data = _data(content)
    return StoredDecision._make([*known, data.get("by"), data.get("note")])


def _merge(row: Any) -> StoredMerge:
    at, event_id, member_id, content = row
    data = _data(content)
    into = data.get("into")
    return StoredMerge(at, event_id, member_id, None if into == member_id else into, data.get("by"))


def _data(content: str | None) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(content)[0] if content else {}
    return data
