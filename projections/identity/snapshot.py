"""A tenant's recorded evidence, read back whole: to resolve it by another policy."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.store import load
from projections.identity import queries
from projections.identity.keys import ResolutionKey
from projections.identity.new_evidence import statements_by
from projections.identity.resolution.resolution import Evidence, evidence_in
from projections.identity.resolution.statements import EvidenceLog
from projections.identity.store.evidence import all_merges, record_in, statements_after
from projections.identity.tables import ERASED_CONTACTS, StatementRow
from schemas.events.base import Stamp

_AT_ONCE: Final = 10_000
_FIRST: Final = (UUID(int=0), "")


class IdentitySnapshot(NamedTuple):
    """All recorded evidence of a tenant, and contacts' customers and ids by contact key.

    ``customers`` has the contacts that have an event of their own; ``ids`` also those that others only named.
    """

    evidence: Evidence
    customers: Mapping[str, UUID]
    ids: Mapping[str, UUID]


async def read_snapshot(connection: Connection, resolution: ResolutionKey, id_of: IdOf) -> IdentitySnapshot:
    """All evidence, and who is who in the resolution. Call it in a transaction that reads one snapshot."""
    log = await _read_log(connection, resolution.tenant)
    log.erasures = await _erasures(connection, resolution.tenant, log, id_of)
    evidence = evidence_in(log)
    merges = tuple(await all_merges(connection, resolution.tenant))
    customers: dict[str, UUID] = {}
    ids: dict[str, UUID] = {}
    async for one in queries.all_contacts(connection, resolution):
        ids[one.contact] = one.contact_id
        if one.seen:
            customers[one.contact] = one.customer_id
    return IdentitySnapshot(replace(evidence, merges=merges), customers, ids)


async def _read_log(connection: Connection, tenant: str) -> EvidenceLog:
    """What every contact stated."""
    log = EvidenceLog()
    position = _FIRST
    while rows := await statements_after(connection, tenant, position, _AT_ONCE):
        for row in rows:
            _add(log, row)
        position = (rows[-1].contact_id, rows[-1].event_id)
    return log


async def _erasures(connection: Connection, tenant: str, log: EvidenceLog, id_of: IdOf) -> dict[str, Stamp]:
    """The latest erasures of the contacts that state something, or that are named."""
    named = (statements_by(records).named for records in log.events.values())
    ids = {(tenant, id_of(tenant, contact)): contact for contact in log.contacts.union(*named)}
    return {ids[key]: row.stamp for key, row in (await load(connection, ERASED_CONTACTS, list(ids))).items()}


def _add(log: EvidenceLog, row: StatementRow) -> None:
    log.contacts.add(row.contact)
    log.events.setdefault(row.contact, {})[row.event_id] = record_in(row)
