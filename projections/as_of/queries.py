"""Reads the events up to a time, and which contacts ever had to do with each other. Every answer is bounded."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from projections.as_of.cutoff import Cutoff
from projections.as_of.rows import MatchedValue
from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import Key, row_columns
from projections.engine.projection import ERASED, ContactEvent
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.statements import EVIDENCE_TYPES
from projections.identity.tables import CONTACT_STATES, HOLDINGS, MEMBER_MERGES, POLICIES, REFERENCES, PolicyRow
from projections.timeline.folds import event_of
from projections.timeline.tables import TABLE as TIMELINE
from projections.timeline.tables import TimelineRow
from schemas.events import ContactRef, Event

MOST_CONTACTS: Final = 1_000
MOST_EVENTS: Final = 20_000
_MOST_MERGES: Final = 20_000
_MOST: Final = sa.bindparam("most", type_=sa.Integer())
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_CUTOFF: Final = ("occurred_by", "received_by")
_IDS: Final = array("contact_ids", sa.Uuid())
_WITHIN: Final = sa.and_(
    TIMELINE.c.occurred_at <= sa.bindparam("occurred_by", type_=sa.BigInteger()),
    TIMELINE.c.received_at <= sa.bindparam("received_by", type_=sa.BigInteger()),
)


class TooMuchHistory(Exception):
    """More events or contacts can decide about this answer than are read for one. The message says which."""


def _evidence() -> str:
    """What each contact stated by a time: of an intrinsic identifier the first event only, except where each counts.

    The first event of a contact comes along, which shows that there was one. The first after an erasure counts again.
    Erasures come along whenever they happened.
    """
    order = (TIMELINE.c.occurred_at, TIMELINE.c.event_id)
    erases = TIMELINE.c.type == ERASED
    intrinsic = sa.cast(TIMELINE.c.intrinsic, sa.Text)
    of_contact = (
        sa.select(
            *(TIMELINE.c[name] for name in ("contact_id", "event_id", "type", "occurred_at")),
            intrinsic.label("intrinsic"),
            CONTACTS.c.channel,
            sa.func.row_number().over(partition_by=(TIMELINE.c.contact_id, _WITHIN), order_by=order).label("number"),
            sa.func.count().filter(erases).over(partition_by=TIMELINE.c.contact_id, order_by=order).label("erasures"),
        )
        .select_from(
            CONTACTS.join(
                TIMELINE,
                sa.and_(TIMELINE.c.tenant == CONTACTS.c.tenant, TIMELINE.c.contact_id == CONTACTS.c.contact_id),
            )
        )
        .where(CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id == sa.any_(_IDS), sa.or_(_WITHIN, erases))
        .subquery("of_contact")
    )
    of_value = (of_contact.c.contact_id, of_contact.c.intrinsic, of_contact.c.erasures, of_contact.c.type == ERASED)
    numbered = sa.select(
        of_contact,
        sa.func.row_number()
        .over(partition_by=of_value, order_by=(of_contact.c.occurred_at, of_contact.c.event_id))
        .label("of_value"),
    ).subquery("numbered")
    counts_each_time = sa.or_(numbered.c.channel == "web", numbered.c.intrinsic.contains('"contact"'))
    wanted = sa.or_(
        numbered.c.number == 1,
        numbered.c.type.in_(sorted(EVIDENCE_TYPES)),
        sa.and_(numbered.c.intrinsic != "[]", sa.or_(numbered.c.of_value == 1, counts_each_time)),
    )
    chosen = sa.select(numbered.c.contact_id, numbered.c.event_id).where(wanted).limit(_MOST).subquery("chosen")
    same = (TIMELINE.c.contact_id == chosen.c.contact_id, TIMELINE.c.event_id == chosen.c.event_id)
    found = sa.select(*row_columns(TIMELINE)).select_from(
        chosen.join(TIMELINE, sa.and_(TIMELINE.c.tenant == _TENANT, *same))
    )
    return compiled(found, "tenant", "contact_ids", *_CUTOFF, "most")


def _holders() -> str:
    """The contacts that ever stated a value: those whose statement makes a link now, and the others."""
    given = unnested("given", [HOLDINGS.c.type, HOLDINGS.c.value])

    def branch(linked: sa.ColumnElement[bool]) -> sa.Select[Any]:
        same = (HOLDINGS.c.type == given.c.type, HOLDINGS.c.value == given.c.value)
        of_resolution = (HOLDINGS.c.tenant == _TENANT, HOLDINGS.c.resolution_id == sa.bindparam("resolution_id"))
        holder = sa.select(HOLDINGS.c.contact_id).where(*of_resolution, *same, linked).limit(_MOST).lateral()
        return sa.select(holder.c.contact_id).select_from(given.join(holder, sa.true()))

    both = sa.union(branch(HOLDINGS.c.tier.is_not(None)), branch(HOLDINGS.c.tier.is_(None)))
    return compiled(both, "tenant", "resolution_id", "type", "value", "most")


_EVIDENCE: Final = _evidence()
_HOLDERS: Final = _holders()
_ALL_EVENTS: Final = compiled(
    sa.select(*row_columns(TIMELINE))
    .where(TIMELINE.c.tenant == _TENANT, TIMELINE.c.contact_id == sa.any_(_IDS), _WITHIN)
    .limit(_MOST),
    "tenant",
    "contact_ids",
    *_CUTOFF,
    "most",
)
_REFS: Final = compiled(
    sa.select(CONTACTS.c.contact_id, CONTACTS.c.channel, CONTACTS.c.account, CONTACTS.c.uid).where(
        CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id == sa.any_(_IDS)
    ),
    "tenant",
    "contact_ids",
)
_REFERRING: Final = compiled(
    sa.select(REFERENCES.c.by_id)
    .where(
        REFERENCES.c.tenant == _TENANT,
        REFERENCES.c.resolution_id == sa.bindparam("resolution_id"),
        REFERENCES.c.contact_id == sa.any_(_IDS),
    )
    .limit(_MOST),
    *("tenant", "resolution_id", "contact_ids", "most"),
)
_WITH_EVIDENCE: Final = compiled(
    sa.select(CONTACT_STATES.c.contact_id)
    .where(CONTACT_STATES.c.tenant == _TENANT, CONTACT_STATES.c.resolution_id == sa.bindparam("resolution_id"))
    .limit(_MOST),
    *("tenant", "resolution_id", "most"),
)


def _of_tenant(table: sa.Table) -> sa.ColumnElement[bool]:
    """The event without a contact that a row was made from."""
    return sa.and_(
        TIMELINE.c.tenant == table.c.tenant,
        TIMELINE.c.contact_id == sa.literal(NO_CONTACT, sa.Uuid()),
        TIMELINE.c.event_id == table.c.event_id,
    )


_MERGES: Final = compiled(
    sa.select(*row_columns(TIMELINE))
    .select_from(MEMBER_MERGES.join(TIMELINE, _of_tenant(MEMBER_MERGES)))
    .where(MEMBER_MERGES.c.tenant == _TENANT, _WITHIN)
    .limit(_MOST),
    *("tenant", *_CUTOFF, "most"),
)
_POLICY: Final = compiled(
    sa.select(*row_columns(POLICIES))
    .select_from(POLICIES.join(TIMELINE, _of_tenant(POLICIES)))
    .where(POLICIES.c.tenant == _TENANT, POLICIES.c.policy.is_not(None), _WITHIN)
    .order_by(POLICIES.c.at.desc(), POLICIES.c.event_id.desc())
    .limit(1),
    *("tenant", *_CUTOFF),
)


async def refs_of(connection: Connection, tenant: str, contacts: Collection[UUID]) -> dict[Key, ContactRef]:
    """The contacts that have an event, at whatever time, by (tenant, contact_id)."""
    found: dict[Key, ContactRef] = {}
    for contact_id, channel, account, uid in await connection.fetch(_REFS, tenant, list(contacts)):
        ref = ContactRef.model_validate({"channel": channel, "account": account, "uid": uid})
        found[tenant, contact_id] = ref
    return found


async def evidence_of(
    connection: Connection, tenant: str, cutoff: Cutoff, contacts: Collection[UUID]
) -> list[ContactEvent]:
    """What the contacts stated by then, the first event of each, and every erasure. Raises TooMuchHistory."""
    return await _events(connection, _EVIDENCE, tenant, cutoff, contacts)


async def events_of(
    connection: Connection, tenant: str, cutoff: Cutoff, contacts: Collection[UUID]
) -> list[ContactEvent]:
    """Everything that had happened with the contacts. Raises TooMuchHistory."""
    return await _events(connection, _ALL_EVENTS, tenant, cutoff, contacts)


async def holders_of(connection: Connection, resolution: ResolutionKey, values: Collection[MatchedValue]) -> set[UUID]:
    """The contacts that ever stated one of the values, as the resolution has these."""
    if not values:
        return set()
    rows = await connection.fetch(_HOLDERS, *resolution, *columns(values), MOST_CONTACTS + 1)
    return {row["contact_id"] for row in rows}


async def referring_to(connection: Connection, resolution: ResolutionKey, contacts: Collection[UUID]) -> set[UUID]:
    """The contacts that ever named one of these."""
    rows = await connection.fetch(_REFERRING, *resolution, list(contacts), MOST_CONTACTS + 1)
    return {row["by_id"] for row in rows}


async def contacts_with_evidence(connection: Connection, resolution: ResolutionKey) -> set[UUID]:
    """Every contact that ever stated something, or was named. Raises TooMuchHistory."""
    rows = await connection.fetch(_WITH_EVIDENCE, *resolution, MOST_CONTACTS + 1)
    _refuse_more(rows, MOST_CONTACTS, "contacts have evidence, which the policy of then read in another way")
    return {row["contact_id"] for row in rows}


async def merges_by(connection: Connection, tenant: str, cutoff: Cutoff) -> list[Event]:
    """The events that had merged member ids, or taken that back. Raises TooMuchHistory."""
    rows = await connection.fetch(_MERGES, tenant, cutoff.occurred_by, cutoff.received_by, _MOST_MERGES + 1)
    _refuse_more(rows, _MOST_MERGES, "member ids had become another's by then")
    return [event_of(TimelineRow(*row), {}).event for row in rows]


async def policy_at(connection: Connection, tenant: str, cutoff: Cutoff) -> PolicyRow | None:
    """The policy that was in force, None for the default one."""
    row = await connection.fetchrow(_POLICY, tenant, cutoff.occurred_by, cutoff.received_by)
    return PolicyRow(*row) if row else None


async def _events(
    connection: Connection, statement: str, tenant: str, cutoff: Cutoff, contacts: Collection[UUID]
) -> list[ContactEvent]:
    refs = await refs_of(connection, tenant, contacts)
    ids = [contact_id for _, contact_id in refs]
    rows = await connection.fetch(statement, tenant, ids, cutoff.occurred_by, cutoff.received_by, MOST_EVENTS + 1)
    _refuse_more(rows, MOST_EVENTS, "events are to be read for this answer")
    return [event_of(TimelineRow(*row), refs) for row in rows]


def _refuse_more(rows: Sequence[Any], most: int, what: str) -> None:
    if len(rows) > most:
        raise TooMuchHistory(f"More than {most:,} {what}.")
