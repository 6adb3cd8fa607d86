"""Where a customer's member id, phone, e-mail and conflicts come from: for whoever asks why it is in a list or not.

Of each value it is the latest statement of its strongest link. Call it in one snapshot; two statements.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from projections.contacts.state import ContactState
from projections.customers.folds import CustomerIdentity
from projections.customers.search.looking import Origin
from projections.engine.connection import Connection
from projections.identity.keys import ResolutionKey
from projections.identity.link_queries import links_to_values, refused
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.stored_links import sources_of
from projections.identity.tables import HoldingRow

_MOST: Final = 1_000  # links that are read


async def origins_of(
    connection: Connection,
    resolution: ResolutionKey,
    policy: Policy,
    identity: CustomerIdentity,
    contacts: Sequence[ContactState],
) -> dict[str, Origin]:
    """The origins by ``member_id``, ``phone``, ``email`` and ``conflicts``, as far as they are known."""
    keys = {one.record.contact.contact_id: one.key for one in contacts}
    found: dict[str, Origin] = {}
    for link in await links_to_values(connection, resolution, list(keys), _values_of(identity, policy), _MOST):
        origin = _origin_of(link.holding, keys)
        if link.reason is None and origin is not None:
            found.setdefault(link.holding.type, origin)  # the strongest come first
    conflicts = await refused(connection, resolution, [(one, "") for one in keys], _MOST)
    latest = max(conflicts, key=lambda row: (row.since, str(row.contact_id)), default=None)
    if latest is not None:
        found["conflicts"] = Origin(keys[latest.contact_id], latest.since)
    return found


def _values_of(identity: CustomerIdentity, policy: Policy) -> list[tuple[str, str]]:
    """What the customer is known by, as holdings have it."""
    known = {"phone": identity.phone, "email": identity.email}
    read = {name: normalise(name, value, policy, intrinsic=True) for name, value in known.items() if value is not None}
    values = [(name, one.value) for name, one in read.items() if isinstance(one, Normalised)]
    return values if identity.member_id is None else [*values, ("member_id", identity.member_id)]


def _origin_of(holding: HoldingRow, keys: Mapping[UUID, str]) -> Origin | None:
    stated = [(one.at, one.event_id) for one in sources_of(holding) if one.says != "retracted"]
    if not stated:
        return None
    at, event_id = max(stated)
    return Origin(keys[holding.contact_id], at, event_id)
