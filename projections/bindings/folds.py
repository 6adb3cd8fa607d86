"""Bindings: per identifier the last writer by (occurred_at, event_id) decides."""

from collections.abc import Sequence
from typing import cast

from projections.bindings.tables import TABLE, BindingRow
from projections.engine.metadata import Key, Row
from projections.engine.parts import latest_only
from projections.engine.projection import Projection
from schemas.events import Event
from schemas.events.identity import Binding


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The binding as the latest event leaves it."""
    before = cast("BindingRow | None", row)
    latest = events[-1]
    if before is not None and latest.stamp < (before.at, before.event_id):
        return before
    via = cast("Binding", latest.data).via
    tenant, contact_id, kind, value = key
    bound = latest.type == "identity.bound"
    return BindingRow(tenant, contact_id, kind, value, via, bound, latest.occurred_at, latest.event_id)


def suffixes(event: Event) -> list[Key]:
    """The identifiers the event names; one that names none is kept under the way it came."""
    data = cast("Binding", event.data)
    named = [(one.type, one.value) for one in data.identifiers]
    if data.linked_contact is not None:
        named.append(("contact", data.linked_contact.key))
    return list(dict.fromkeys(named)) or [("via", data.via)]


PROJECTION = Projection(
    table=TABLE,
    version=1,
    types=frozenset({"identity.bound", "identity.unbound"}),
    suffixes=suffixes,
    fold=fold,
    owes=latest_only,
)
