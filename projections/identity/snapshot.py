"""Why contacts are one customer or are not: their components, resolved again from what is remembered of them.

Only who is who is kept, not by which links: a component is small, and resolving it takes less than reading it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from projections.identity import store
from projections.identity.affected import over_limit_in_conflicts
from projections.identity.contact_evidence import ContactEvidence, evidence_in, evidence_of
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, resolve
from projections.identity.resolutions import Found


class Remembered(NamedTuple):
    """All that is remembered of a space: evidence, and contacts' customers and ids by their keys."""

    evidence: Evidence
    customers: Mapping[str, UUID]
    ids: Mapping[str, UUID]


async def everything_of(connection: Any, space: str) -> Remembered:
    """Every contact of a space of whom something was stated. Read it in one snapshot."""
    dossiers: dict[str, ContactEvidence] = {}
    customers: dict[str, UUID] = {}
    ids: dict[str, UUID] = {}
    async for row in store.all_members(connection, space):
        dossiers[row.contact] = evidence_of(row)
        customers[row.contact], ids[row.contact] = row.customer_id, row.contact_id
    return Remembered(evidence_in(dossiers), customers, ids)


def policy_of(found: Found, region: str) -> Policy:
    """The policy of a space. ``region`` is for tenants whose own isn't known."""
    return _policy(found.policy, found.region or region)


@lru_cache(maxsize=1024)
def _policy(text: str | None, region: str) -> Policy:
    return Policy.from_json(orjson.loads(text) if text else {}, region)


async def resolution_of(connection: Any, space: str, contacts: Mapping[UUID, str], policy: Policy) -> Resolution:
    """The components of these contacts (keys by id), for ``core.explain``; a contact nothing was stated of is alone.

    ``policy`` is the one that the tables were resolved by. Read it in the same snapshot.
    """
    rows = await store.components(connection, [(space, contact_id) for contact_id in contacts])
    refused = await store.refusals(connection, [row[:2] for row in rows if row.refused])
    dossiers = {row.contact: evidence_of(row) for row in rows}
    for contact in contacts.values():
        dossiers.setdefault(contact, ContactEvidence())
    return resolve(evidence_in(dossiers), policy, over_limit_in_conflicts(refused))
