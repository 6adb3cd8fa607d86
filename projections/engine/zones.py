"""The time zones of regions (pure)."""

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import get_global

# Where people of a country with several zones most likely are.
_MAIN_ZONES: Final = {
    "AU": "Australia/Sydney",
    "CN": "Asia/Shanghai",
    "ID": "Asia/Jakarta",
    "MY": "Asia/Kuala_Lumpur",
    "US": "America/New_York",
}


@cache
def zone_of(region: str) -> ZoneInfo:
    """The time zone of a tenant, by the country that its phone numbers are from; UTC where that does not tell."""
    if region in _MAIN_ZONES:
        return ZoneInfo(_MAIN_ZONES[region])
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == region]
    return ZoneInfo(zones[0] if len(zones) == 1 else "UTC")
