"""The keys that identity loads by, across tenants."""

from typing import NamedTuple
from uuid import UUID

ContactKey = tuple[str, UUID]  # (tenant, contact_id)
CustomerKey = tuple[str, UUID]  # (tenant, customer_id)
StatementKey = tuple[str, UUID, str]  # (tenant, contact_id, event_id)
IdentifierKey = tuple[str, str, str]  # (tenant, type, normalised value)
Holder = tuple[int, UUID]  # (tier, contact_id): a contact that holds an identifier, and how strongly
Reference = tuple[int, UUID]  # (at, by_id): a contact that stated another to be its identifier, and when first


class ResolutionKey(NamedTuple):
    """One of a tenant's resolutions."""

    tenant: str
    resolution_id: str
