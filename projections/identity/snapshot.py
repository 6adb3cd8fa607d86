"""The stored evidence, read back: to explain why contacts are one customer, or to resolve it by another policy.

Links of a resolution are not stored by customer: a component is small, and resolving it takes less than reading it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from projections.engine.connection import Connection
from projections.identity import store
from projections.identity.affected import over_limit_in_conflicts
from projections.identity.contact_evidence import ContactEvidence, combine, evidence_of
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, resolve
from projections.identity.resolutions import ResolutionInUse


class IdentitySnapshot(NamedTuple):
    """All stored evidence of a tenant's resolution, with contacts' customers and ids by their contact keys."""

    evidence: Evidence
    customers: Mapping[str, UUID]
    ids: Mapping[str, UUID]


async def read_snapshot(connection: Connection, resolution: ResolutionKey) -> IdentitySnapshot:
    """Every contact of which something is stated. Call it in a transaction that reads one snapshot."""
    evidence: dict[str, ContactEvidence] = {}
    customers: dict[str, UUID] = {}
    ids: dict[str, UUID] = {}
    async for row in store.all_members(connection, resolution):
        evidence[row.contact] = evidence_of(row)
        customers[row.contact], ids[row.contact] = row.customer_id, row.contact_id
    return IdentitySnapshot(combine(evidence), customers, ids)


def policy_of(resolution: ResolutionInUse, region: str) -> Policy:
    """The policy of a resolution. ``region`` is for tenants without one of their own."""
    return _policy(resolution.policy, resolution.region or region)


@lru_cache(maxsize=1024)
def _policy(text: str | None, region: str) -> Policy:
    return Policy.from_json(orjson.loads(text) if text else {}, region)


async def resolution_of(
    connection: Connection, key: ResolutionKey, contacts: Mapping[UUID, str], policy: Policy
) -> Resolution:
    """The components of these contacts (contact keys by id), resolved again, to be explained.

    ``policy`` must be the one by which the resolution is built. Call it in the same snapshot that gave the policy.
    """
    identity = store.PostgresIdentityStore(connection, lambda _: key.resolution_id)
    rows = await identity.components([(key.tenant, contact_id) for contact_id in contacts])
    refused = [(row.tenant, row.contact_id) for row in rows if row.refused]
    conflicts = await identity.conflicts(refused) if refused else []
    evidence = {row.contact: evidence_of(row) for row in rows}
    for contact in contacts.values():
        evidence.setdefault(contact, ContactEvidence())
    return resolve(combine(evidence), policy, over_limit_in_conflicts(conflicts))
