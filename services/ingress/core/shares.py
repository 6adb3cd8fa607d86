"""Who may hold how much of the memory for bodies and events in flight.

A body is unproven until its key or its signature has been checked. Unproven bodies together have a quarter, those of
one peer or about one source half of that; what is proven is its tenant's, who has at most half of all.
"""

from functools import lru_cache
from typing import Final

from services.runtime.budget import Share

# One body of the largest size fits into the smallest share.
LEAST_BODIES: Final = 8
_REMEMBERED: Final = 4_096  # peers, and sources: they send again and again
_UNPROVEN: Final = Share("unproven", "", 4)


@lru_cache(maxsize=_REMEMBERED)
def unproven(peer: str, source: str | None = None) -> tuple[Share, ...]:
    """The shares of a body from this peer, perhaps from this source."""
    of_peer = Share("unproven of a peer", peer, LEAST_BODIES)
    if source is None:
        return (of_peer, _UNPROVEN)
    return (of_peer, Share("unproven of a source", source, LEAST_BODIES), _UNPROVEN)


@lru_cache(maxsize=_REMEMBERED)
def proven(tenant: str, source: str | None = None) -> tuple[Share, ...]:
    """The shares of what a tenant sends, perhaps by one of its sources."""
    of_tenant = Share("tenant", tenant, 2)
    return (of_tenant,) if source is None else (Share("source", source, 4), of_tenant)
