"""Reads contacts: all rows that the read models hold of them, in one statement."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from projections.attributes.queries import set_attributes
from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bindings.queries import shown_bindings
from projections.bindings.tables import TABLE as BINDINGS
from projections.consents.queries import all_consents
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.records import ContactRecord
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.connection import Connection
from projections.engine.queries import nested_rows
from projections.engine.statements import array, compiled
from projections.notifications.queries import all_notifications
from projections.notifications.tables import TABLE as NOTIFICATIONS
from projections.tags.queries import counted_tags
from projections.tags.tables import TABLE as TAGS

_WIDTH: Final = len(CONTACTS.columns)
_RECORDS: Final = compiled(
    sa.select(
        *CONTACTS.c,
        counted_tags(CONTACTS.c.contact_id),
        set_attributes(CONTACTS.c.contact_id),
        all_consents(CONTACTS.c.contact_id),
        all_notifications(CONTACTS.c.contact_id),
        shown_bindings(CONTACTS.c.contact_id),
    ).where(
        CONTACTS.c.tenant == sa.bindparam("tenant"), CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
    ),
    "tenant",
    "contact_ids",
)
_NAMES: Final = compiled(
    sa.select(CONTACTS.c.contact_id, CONTACTS.c.display_name).where(
        CONTACTS.c.tenant == sa.bindparam("tenant"), CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
    ),
    "tenant",
    "contact_ids",
)
_ANY: Final = compiled(sa.select(CONTACTS.c.contact_id).limit(1))


async def load_contacts(connection: Connection, tenant: str, contact_ids: Sequence[UUID]) -> list[ContactRecord]:
    """The records of those of the contacts that have events of their own, in no particular order. One statement."""
    return [_record(row) for row in await connection.fetch(_RECORDS, tenant, contact_ids)]


async def display_names(connection: Connection, tenant: str, contact_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """What those of the contacts that have events of their own are called."""
    return dict(tuple(row) for row in await connection.fetch(_NAMES, tenant, contact_ids))


async def check_readable(connection: Connection) -> None:
    """Read one row, or none. Raises what asyncpg raises where contacts can't be read."""
    await connection.fetchval(_ANY)


def _record(row: asyncpg.Record) -> ContactRecord:
    values = tuple(row)
    contact = ContactRow(*values[:_WIDTH])
    related = zip((TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS), values[_WIDTH:], strict=True)
    return ContactRecord(
        contact, *(nested_rows(table, contact.tenant, contact.contact_id, text) for table, text in related)
    )
