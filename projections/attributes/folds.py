"""Custom attributes: the last writer by (occurred_at, event_id) decides."""

from collections.abc import Sequence
from typing import cast

import orjson

from projections.attributes.tables import TABLE, AttributeRow
from projections.engine.metadata import Key, Row
from projections.engine.projection import Projection
from schemas.events import Event
from schemas.events.profile import AttributeName, AttributeValue


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The attribute as the latest event leaves it."""
    before = cast("AttributeRow | None", row)
    latest = events[-1]
    if before is not None and latest.stamp < (before.at, before.event_id):
        return before
    value, kind = _value(latest)
    tenant, contact_id, name = key
    return AttributeRow(tenant, contact_id, name, value, kind, latest.occurred_at, latest.event_id)


def _value(event: Event) -> tuple[str | None, str | None]:
    if not isinstance(event.data, AttributeValue):
        return None, None
    value = event.data.value
    return orjson.dumps(value).decode(), event.data.type or _type_of(value)


def _type_of(value: bool | float | str) -> str:  # noqa: FBT001 - a value, not a switch
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


PROJECTION = Projection(
    table=TABLE,
    version=1,
    types=frozenset({"attribute.set", "attribute.unset"}),
    suffixes=lambda event: ((cast("AttributeName", event.data).key,),),
    fold=fold,
)
