"""What pages show beside what they were asked for: the quota, the channels, what attributes are called.

A list or a profile does not wait for these each time: they are at most ten seconds old, of each tenant.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar, get_args

from starlette.datastructures import State

from projections.customers.search.known_values import ValuesAsked
from schemas.events.base import ChannelName
from services.console.http.visits import Visit
from services.query.core.attribute_models import AttributeView
from services.query.core.quota_models import QuotaStatus
from services.query.handlers.attributes import AttributeReader
from services.query.handlers.fields import FieldReader
from services.query.handlers.quota import DaySpan, QuotaReader
from services.runtime.caching import LookupCache

_V = TypeVar("_V")
_FRESH: Final = 10.0  # seconds
_WITHIN: Final = 5.0  # seconds, as long as a statement may take
_MOST_TENANTS: Final = 500
_MOST_ATTRIBUTES: Final = 1000


class Surroundings:
    """Reads by the query service's handlers, which are in ``state``. Every method raises what those raise."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._quota = _cached(self._read_quota)
        self._channels = _cached(self._read_channels)
        self._attributes = _cached(self._read_attributes)

    async def quota(self, tenant: str) -> QuotaStatus:
        """What is used of the quota; its history is today's alone."""
        return await _known(self._quota, tenant)

    async def channels(self, tenant: str) -> list[str]:
        """The channels that customers are on, in a fixed order."""
        return await _known(self._channels, tenant)

    async def attributes(self, tenant: str) -> list[AttributeView]:
        """The attributes that the brand has defined, or customers have."""
        return await _known(self._attributes, tenant)

    async def _read_quota(self, tenant: str) -> QuotaStatus:
        reader: QuotaReader = self._state.quota
        today = datetime.now(UTC).date()
        return await reader.status(tenant, DaySpan(today, today))

    async def _read_channels(self, tenant: str) -> list[str]:
        reader: FieldReader = self._state.fields
        every = get_args(ChannelName)
        now = int(datetime.now(UTC).timestamp() * 1000)
        known = await reader.values(tenant, "channel", ValuesAsked("", "", len(every)), now)
        found = {str(one.value) for one in known.values}
        return [one for one in every if one in found]

    async def _read_attributes(self, tenant: str) -> list[AttributeView]:
        reader: AttributeReader = self._state.attributes
        return (await reader.page(tenant, "", _MOST_ATTRIBUTES)).attributes


def surroundings_of(visit: Visit) -> Surroundings:
    """Those of this process."""
    surroundings: Surroundings = visit.request.app.state.surroundings
    return surroundings


def _cached(load: Callable[[str], Awaitable[_V]]) -> LookupCache[str, _V]:
    return LookupCache(
        load,
        fresh=_FRESH,
        stale_if_error=_FRESH,
        timeout=_WITHIN,
        timeout_with_answer=_WITHIN,
        max_entries=_MOST_TENANTS,
    )


async def _known(cache: LookupCache[str, _V], tenant: str) -> _V:
    found = await cache.get(tenant)
    if found is None:
        raise RuntimeError("what is read of a tenant must not be None")
    return found
