"""Erases contacts' evidence as a chunk asks for it, before the chunk is recorded.

What an erasure leaves is its time, and hashes of the ids of the events that it erased: so no copy of such an event
counts later, and the tables depend neither on order nor on repeats.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.metadata import Key, key_columns, row_columns
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns, insert, insert_new, load, upsert
from projections.erasures.folds import digest_of
from projections.erasures.tables import ErasedEventRow, ErasureRow, digest_column
from projections.identity.new_evidence import NewEvidence
from projections.identity.resolution.statements import EventRecord, EvidenceLog
from projections.identity.tables import (
    ERASED_CONTACTS,
    ERASED_STATEMENTS,
    STATEMENTS,
    StatementRow,
)
from schemas.events.base import Stamp

_SAVE_CONTACTS: Final = upsert(ERASED_CONTACTS)
_SAVE_STATEMENTS: Final = insert_new(ERASED_STATEMENTS)


def _delete(given: sa.FromClause, *where: sa.ColumnElement[bool]) -> str:
    return compiled(sa.delete(STATEMENTS).where(*where).returning(*row_columns(STATEMENTS)), *given.c.keys())


def _delete_until() -> str:
    given = unnested("given", list(row_columns(ERASED_CONTACTS)))
    same = (STATEMENTS.c[column.name] == given.c[column.name] for column in key_columns(ERASED_CONTACTS))
    stamp = sa.tuple_(STATEMENTS.c.at, STATEMENTS.c.event_id)
    return _delete(given, *same, stamp <= sa.tuple_(given.c.at, given.c.event_id))


def _delete_events() -> str:
    given = unnested("given", list(key_columns(STATEMENTS)))
    return _delete(given, *(column == given.c[column.name] for column in key_columns(STATEMENTS)))


def _delete_listed() -> str:
    given = unnested("given", key_columns(ERASED_STATEMENTS))
    same = (STATEMENTS.c[name] == given.c[name] for name in ("tenant", "contact_id"))
    return _delete(given, *same, digest_column(STATEMENTS) == given.c.digest)


def _erasing() -> str:
    given = sa.func.unnest(array("tenants", sa.Text())).table_valued("tenant").render_derived(name="given")
    any_contact = sa.exists().where(ERASED_CONTACTS.c.tenant == given.c.tenant)
    return compiled(sa.select(given.c.tenant).where(any_contact), "tenants")


_ERASING: Final = _erasing()
_DELETE_UNTIL: Final = _delete_until()
_DELETE_EVENTS: Final = _delete_events()
_DELETE_LISTED: Final = _delete_listed()


class ContactErasures:
    """The latest erasures of contacts, each looked for once in a chunk; of a tenant that erased nobody, none is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._erasing: dict[str, bool] = {}  # whether the tenant erased any contact
        self._rows: dict[Key, ErasureRow] = {}

    async def load(self, contacts: Collection[Key]) -> None:
        """Look for those of contacts, given as (tenant, contact_id)."""
        tenants = {tenant for tenant, _ in contacts}
        if new := tenants - self._erasing.keys():
            found = {tenant for (tenant,) in await self._connection.fetch(_ERASING, list(new))}
            self._erasing |= {tenant: tenant in found for tenant in new}
        wanted = [key for key in contacts if self._erasing[key[0]] and key not in self._rows]
        self._rows |= await load(self._connection, ERASED_CONTACTS, wanted)

    def of(self, contact: Key) -> Stamp | None:
        """When the contact was erased last, as far as was looked for."""
        row = self._rows.get(contact)
        return row.stamp if row is not None else None


@dataclass(slots=True)
class ErasedEvidence:
    """What a chunk erases of one tenant.

    ``contacts`` are the latest erasures of the contacts of which it erases something, ``overruled`` the events that
    counted so far, by contact and event id. ``known`` is how many events of the chunk came before.
    """

    contacts: dict[str, Stamp] = field(default_factory=dict)
    overruled: dict[str, dict[str, EventRecord]] = field(default_factory=dict)
    known: int = 0


async def erase_evidence(
    connection: Connection, logs: Mapping[str, EvidenceLog], id_of: IdOf
) -> dict[str, ErasedEvidence]:
    """Take out of the chunk's logs, and of the tables, what is erased. One statement where no contact ever was."""
    contacts = {
        (tenant, id_of(tenant, contact)): contact
        for tenant, log in logs.items()
        for contact in (*log.events, *log.erasures)
    }
    erasures = ContactErasures(connection)
    await erasures.load(contacts)
    horizons = {key: stamp for key in contacts if (stamp := erasures.of(key)) is not None}
    changed: list[ErasureRow] = []
    for key, contact in contacts.items():
        stamp = logs[key[0]].erasures.get(contact)
        if stamp is not None and stamp > horizons.get(key, (-1, "")):
            horizons[key] = stamp
            changed.append(ErasureRow(*key, *stamp))
    return await _erase(connection, logs, contacts, horizons, changed) if horizons else {}


async def _erase(
    connection: Connection,
    logs: Mapping[str, EvidenceLog],
    contacts: Mapping[Key, str],
    horizons: Mapping[Key, Stamp],
    changed: Collection[ErasureRow],
) -> dict[str, ErasedEvidence]:
    digests: dict[Key, tuple[Key, str]] = {
        (*key, digest_of(key[1], event_id)): (key, event_id)
        for key in horizons
        for event_id in logs[key[0]].events.get(contacts[key], ())
    }
    listed = {
        (*key, digest)
        for key, contact in contacts.items()
        if key in horizons
        for digest in logs[key[0]].listed.get(contact, ())
    }
    deleted = await _deleted(connection, _DELETE_UNTIL, changed)
    deleted += await _deleted(connection, _DELETE_LISTED, sorted(listed))
    before = {(*row[:2], digest_of(row.contact_id, row.event_id)) for row in deleted}
    known = await load(connection, ERASED_STATEMENTS, list(digests))
    found: dict[str, ErasedEvidence] = {}
    gone: list[Key] = []
    for digest, (key, event_id) in digests.items():
        tenant, contact = key[0], contacts[key]
        record = logs[tenant].events[contact][event_id]
        if digest in known or digest in before or (record.at, event_id) <= horizons[key]:
            gone.append((*key, event_id))
            found.setdefault(tenant, ErasedEvidence()).known += digest in known or digest in before
    for key in gone:
        logs[key[0]].leave_out(contacts[key[:2]], [key[2]])
    late = await _deleted(connection, _DELETE_EVENTS, gone)
    for row in late:
        found[row.tenant].known += 1
    deleted += late
    for row in deleted:
        of_tenant = found.setdefault(row.tenant, ErasedEvidence())
        contact = contacts[row.tenant, row.contact_id]
        of_tenant.overruled.setdefault(contact, {})[row.event_id] = EventRecord(row.at, row.type, row.content)
        of_tenant.contacts[contact] = horizons[row.tenant, row.contact_id]
    for erasure in changed:
        found.setdefault(erasure.tenant, ErasedEvidence()).contacts[contacts[erasure[:2]]] = erasure.stamp
    rows = listed | {(*key[:2], digest_of(key[1], key[2])) for key in (*gone, *(row[:3] for row in deleted))}
    await insert(connection, _SAVE_STATEMENTS, [ErasedEventRow(*key) for key in sorted(rows - known.keys())])
    await insert(connection, _SAVE_CONTACTS, changed)
    return found


async def _deleted(connection: Connection, statement: str, given: Collection[Key]) -> list[StatementRow]:
    return [StatementRow(*row) for row in await connection.fetch(statement, *columns(given))] if given else []


def erased_rows(evidence: Mapping[str, NewEvidence], id_of: IdOf) -> list[ErasureRow]:
    """The erasures as rows."""
    return [
        ErasureRow(tenant, id_of(tenant, contact), *stamp)
        for tenant, one in evidence.items()
        for contact, stamp in one.erased.items()
    ]


def erased_statements(
    gone: Mapping[str, Mapping[str, Iterable[str]]], listed: Mapping[str, Mapping[str, Iterable[UUID]]], id_of: IdOf
) -> list[ErasedEventRow]:
    """The rows of erased events, given by tenant, contact and event id, and of those that others list."""
    found = {
        (tenant, contact_id, digest_of(contact_id, event_id))
        for tenant, contacts in gone.items()
        for contact, event_ids in contacts.items()
        for contact_id in [id_of(tenant, contact)]
        for event_id in event_ids
    }
    found |= {
        (tenant, id_of(tenant, contact), digest)
        for tenant, contacts in listed.items()
        for contact, digests in contacts.items()
        for digest in digests
    }
    return [ErasedEventRow(*key) for key in sorted(found)]
