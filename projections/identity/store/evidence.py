"""Records the evidence of a chunk, and tells what of it is new.

Evidence belongs to the tenant, whatever its policy: every resolution of the tenant is folded from it. An event that
comes again is recorded once. Of copies that differ, the least counts: it takes the place of what was recorded.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.metadata import row_columns
from projections.engine.statements import compiled
from projections.engine.store import columns, insert, load, select_matching, upsert
from projections.engine.write_behind import WriteBehind
from projections.identity.evidence_logs import logs_of
from projections.identity.new_evidence import NewEvidence, find_new_evidence
from projections.identity.resolution.statements import EventRecord, MemberMerge, merge_in
from projections.identity.store.erasing import erase_evidence
from projections.identity.tables import MEMBER_MERGES, STATEMENTS, MemberMergeRow, StatementRow
from schemas.events import Event

_SAVE_STATEMENTS: Final = upsert(STATEMENTS)
_SAVE_MERGES: Final = upsert(MEMBER_MERGES)
_MERGES_OF: Final = select_matching(MEMBER_MERGES, MEMBER_MERGES.c.tenant, MEMBER_MERGES.c.member_id)
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_ALL_MERGES: Final = compiled(sa.select(*row_columns(MEMBER_MERGES)).where(MEMBER_MERGES.c.tenant == _TENANT), "tenant")
_AFTER: Final = compiled(
    sa.select(*row_columns(STATEMENTS))
    .where(
        STATEMENTS.c.tenant == _TENANT,
        sa.tuple_(STATEMENTS.c.contact_id, STATEMENTS.c.event_id)
        > sa.tuple_(sa.bindparam("contact_id", type_=sa.Uuid()), sa.bindparam("event_id", type_=sa.Text())),
    )
    .order_by(STATEMENTS.c.contact_id, STATEMENTS.c.event_id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
    "tenant",
    "contact_id",
    "event_id",
    "most",
)


class Recorded(NamedTuple):
    """What of a chunk is new evidence, by tenant, and how many of its events were never seen before."""

    evidence: dict[str, NewEvidence]
    unseen: int


async def record_evidence(
    connection: Connection, events: Iterable[Event], id_of: IdOf, writes: WriteBehind
) -> Recorded:
    """Record the events' evidence, in the caller's transaction. Events that say nothing of identity change nothing.

    The last of it is still being written, by ``writes``, when this returns.
    """
    logs = logs_of(events, id_of)
    before = sum(len(records) for log in logs.values() for records in log.events.values())
    erased = await erase_evidence(connection, logs, id_of)
    keys = {
        (tenant, id_of(tenant, contact), event_id): (tenant, contact)
        for tenant, log in logs.items()
        for contact, records in log.events.items()
        for event_id in records
    }
    stored: dict[Any, StatementRow] = await load(connection, STATEMENTS, list(keys))
    known: dict[str, dict[tuple[str, str], EventRecord]] = {}
    for row in stored.values():
        known.setdefault(row.tenant, {})[row.contact, row.event_id] = record_in(row)
    found = {tenant: find_new_evidence(log.events, known.get(tenant, {})) for tenant, log in logs.items()}
    found |= {
        tenant: found[tenant].erasing(one.contacts, one.overruled, logs[tenant].listing)
        for tenant, one in erased.items()
    }
    merges = {tenant: log.merges for tenant, log in logs.items() if log.merges}
    unseen = before - sum(one.known for one in erased.values()) - len(stored)
    unseen += await _record_merges(connection, merges, found)
    await writes.start(insert(connection, _SAVE_STATEMENTS, statement_rows(found, id_of)))
    return Recorded({tenant: one for tenant, one in found.items() if one}, unseen)


def record_in(row: StatementRow) -> EventRecord:
    """What is kept of the event."""
    return EventRecord(row.at, row.type, row.content)


async def statements_after(
    connection: Connection, tenant: str, place: tuple[UUID, str], most: int
) -> list[StatementRow]:
    """The next recorded events of a tenant after a (contact_id, event_id)."""
    return [StatementRow(*row) for row in await connection.fetch(_AFTER, tenant, *place, most)]


async def all_merges(connection: Connection, tenant: str) -> list[MemberMerge]:
    """Everything that was stated of member ids that became another's."""
    return [_merge(MemberMergeRow(*row)) for row in await connection.fetch(_ALL_MERGES, tenant)]


async def stated_merges(
    connection: Connection, member_ids: Collection[tuple[str, str]]
) -> dict[str, list[MemberMerge]]:
    """Everything that was stated of some (tenant, member id as it is stated, without white space), by tenant."""
    stated: dict[str, list[MemberMerge]] = {}
    for row in await connection.fetch(_MERGES_OF, *columns(member_ids)) if member_ids else ():
        one = MemberMergeRow(*row)
        stated.setdefault(one.tenant, []).append(_merge(one))
    return stated


def statement_rows(evidence: Mapping[str, NewEvidence], id_of: IdOf) -> list[StatementRow]:
    """The new events as rows."""
    return [
        StatementRow(tenant, id_of(tenant, contact), event_id, contact, *record)
        for tenant, one in evidence.items()
        for contact, records in one.new.items()
        for event_id, record in records.items()
    ]


def merge_row(tenant: str, event_id: str, record: EventRecord) -> MemberMergeRow:
    """What is kept of an event that says that a member id became another's."""
    return MemberMergeRow(tenant, event_id, merge_in(event_id, record).member_id.strip(), *record)


def _merge(row: MemberMergeRow) -> MemberMerge:
    return merge_in(row.event_id, EventRecord(row.at, row.type, row.content))


async def _record_merges(
    connection: Connection, merges: Mapping[str, Mapping[str, EventRecord]], found: dict[str, NewEvidence]
) -> int:
    """Record which member ids became another's, and add all that was ever stated of those ids to the new evidence."""
    keys = [(tenant, event_id) for tenant, records in merges.items() for event_id in records]
    known: dict[Any, MemberMergeRow] = await load(connection, MEMBER_MERGES, keys)
    changed: list[MemberMergeRow] = []
    ids: dict[str, set[str]] = {}
    for tenant, records in merges.items():
        for event_id, record in records.items():
            before = known.get((tenant, event_id))
            if before is not None and record >= EventRecord(before.at, before.type, before.content):
                continue
            row = merge_row(tenant, event_id, record)
            changed.append(row)
            ids.setdefault(tenant, set()).update(one.member_id for one in (row, before) if one is not None)
    await insert(connection, _SAVE_MERGES, changed)
    wanted = [(tenant, one) for tenant, of_tenant in ids.items() for one in sorted(of_tenant)]
    stated = await stated_merges(connection, wanted)
    for tenant, of_tenant in ids.items():
        merged = tuple(stated.get(tenant, ()))
        found[tenant] = replace(found[tenant], merges=merged, remerged=frozenset(of_tenant))
    return len(keys) - len(known)
