"""Reads the events of other contacts that name an erased one, from the generation that the connection is on."""

from collections.abc import AsyncIterator, Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.connection import Connection
from projections.engine.metadata import row_columns
from projections.engine.projection import ContactEvent
from projections.engine.statements import array, compiled, for_each, unnested
from projections.engine.store import columns
from projections.identity.tables import REFERENCES
from projections.timeline.folds import event_of
from projections.timeline.tables import TABLE as TIMELINE
from projections.timeline.tables import TimelineRow
from schemas.events import ContactRef
from schemas.subjects import NAMING_TYPES

_PAGE: Final = 500  # events in memory at a time
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_IDS: Final = array("contact_ids", sa.Uuid())


def _referring(by: sa.ColumnElement[UUID], named: sa.ColumnElement[UUID]) -> sa.Select[Any]:
    return sa.select(by).where(REFERENCES.c.tenant == _TENANT, named == sa.any_(_IDS), by != sa.all_(_IDS))


# A contact that was superseded names its successor, which alone binds it.
_MAY_REFER: Final = compiled(
    _referring(REFERENCES.c.by_id, REFERENCES.c.contact_id).union(
        _referring(REFERENCES.c.contact_id, REFERENCES.c.by_id)
    ),
    "tenant",
    "contact_ids",
)
_REFS: Final = compiled(
    sa.select(CONTACTS.c.contact_id, CONTACTS.c.channel, CONTACTS.c.account, CONTACTS.c.uid).where(
        CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id == sa.any_(_IDS)
    ),
    "tenant",
    "contact_ids",
)


def _may_name() -> str:
    given = unnested("given", [TIMELINE.c.tenant, TIMELINE.c.contact_id])
    own = (TIMELINE.c.tenant == given.c.tenant, TIMELINE.c.contact_id == given.c.contact_id)
    kinds = TIMELINE.c.type.in_(sorted(NAMING_TYPES)) | (sa.cast(TIMELINE.c.intrinsic, sa.Text()) != "[]")
    by = TIMELINE.c.occurred_at <= sa.bindparam("at", type_=sa.BigInteger())
    found = for_each(sa.select(*row_columns(TIMELINE)).where(*own, kinds, by), "found")
    return compiled(sa.select(*found.c).select_from(given.join(found, sa.true())), *given.c.keys(), "at")


_MAY_NAME: Final = _may_name()


async def naming_contacts(connection: Connection, tenant: str, contact_ids: Collection[UUID]) -> list[UUID]:
    """The other contacts that may name one of these contacts: those that it names, and those that name it."""
    return [contact_id for (contact_id,) in await connection.fetch(_MAY_REFER, tenant, list(contact_ids))]


async def events_that_may_name(
    connection: Connection, tenant: str, contact_ids: Collection[UUID], at: int
) -> AsyncIterator[list[ContactEvent]]:
    """The events of these contacts up to a time in ms that can name another one, in pages. Needs a transaction."""
    found = await connection.fetch(_REFS, tenant, list(contact_ids))
    refs = {
        (tenant, contact_id): ContactRef.model_validate({"channel": channel, "account": account, "uid": uid})
        for contact_id, channel, account, uid in found
    }
    if not refs:  # nothing is left of them
        return
    cursor = await connection.cursor(_MAY_NAME, *columns(refs), at)
    while records := await cursor.fetch(_PAGE):
        yield [event_of(TimelineRow(*record), refs) for record in records]
