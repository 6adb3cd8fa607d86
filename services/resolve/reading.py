"""Why contacts are one customer or are not: their components, resolved again from what is remembered of them.

Only who is who is kept, not by which links: a component is small, and resolving it takes less than reading it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from projections.identity import store
from projections.identity.spaces import Found
from services.resolve.core.policy import Policy
from services.resolve.core.resolution import Resolution, resolve
from services.resolve.dossiers import Dossier, dossier_of, evidence_in
from services.resolve.reach import crowds_told


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
    dossiers = {row.contact: dossier_of(row) for row in rows}
    for contact in contacts.values():
        dossiers.setdefault(contact, Dossier())
    return resolve(evidence_in(dossiers), policy, crowds_told(refused))
