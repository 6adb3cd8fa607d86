"""Converts events of old versions to the current version, one version at a time.

``UPCASTERS`` has one pure function per ``(type, version)``: it takes the parsed envelope at that version and returns it
at the next. The log is never rewritten, so a function stays here for as long as any log has events of its version.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

TypeVersion = tuple[str, int]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Final[dict[TypeVersion, Upcaster]] = {}


def upcast(raw: dict[str, Any], upcasters: Mapping[TypeVersion, Upcaster] = UPCASTERS) -> dict[str, Any]:
    """The same event at its current version; an event without a function here is returned as it is."""
    while step := upcasters.get((raw["type"], raw.get("schema_version", 1))):
        raw = step(raw) | {"schema_version": raw.get("schema_version", 1) + 1}
    return raw
