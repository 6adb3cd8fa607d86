"""The keys that identity loads and saves by."""

from typing import NamedTuple
from uuid import UUID

CustomerKey = tuple[str, UUID]  # (tenant, customer_id)


class ResolutionKey(NamedTuple):
    """One of a tenant's resolutions: the first two columns of every table that a resolution is made of."""

    tenant: str
    resolution_id: str
