"""Quotas as events."""

from schemas.codec import from_dict
from schemas.events import Event
from tests.support.strategies import BASE_MS


def quota(limit: int, at: int = 0, *, tenant: str = "demo", unit: str = "contacts") -> Event:
    """The event that sets the quota, ``at`` ms after the beginning."""
    return from_dict(
        {
            "event_id": f"{tenant}:quota@{at}",
            "tenant": tenant,
            "type": "tenant.quota_set",
            "occurred_at": BASE_MS + at,
            "received_at": BASE_MS + at,
            "source": "test",
            "data": {"limit": limit, "unit": unit},
        }
    )
