"""Old events become current ones: ``(type, version)`` to a pure function on plain dictionaries.

Each function takes the envelope at its version and returns it at the next; ``upcast`` climbs one step at
a time. The log is never rewritten, so a step stays here for as long as its version is in a log.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

TypeVersion = tuple[str, int]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Final[dict[TypeVersion, Upcaster]] = {}


def upcast(raw: dict[str, Any], upcasters: Mapping[TypeVersion, Upcaster] = UPCASTERS) -> dict[str, Any]:
    """The same event, as far up as there are steps; an unknown or current one as it is."""
    while step := upcasters.get((raw["type"], raw.get("schema_version", 1))):
        raw = step(raw) | {"schema_version": raw.get("schema_version", 1) + 1}
    return raw
