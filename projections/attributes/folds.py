"""Custom attributes: the last writer by (occurred_at, event_id) decides.

A claim never replaces what is not one: among the events that are not claims, if there is any, the last one decides.
"""

from collections.abc import Sequence
from typing import cast

import orjson

from projections.attributes.tables import TABLE, AttributeRow
from projections.engine.metadata import Key, Row
from projections.engine.parts import latest_only
from projections.engine.projection import Projection
from schemas.events import Event
from schemas.events.profile import AttributeName, AttributeValue, Characteristic


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The attribute as the event that decides it leaves it."""
    before = cast("AttributeRow | None", row)
    deciding = max(events, key=_rank)
    if before is not None and _rank(deciding) < (not before.claimed, before.at, before.event_id):
        return before
    value, kind = _value(deciding)
    tenant, contact_id, name = key
    return AttributeRow(tenant, contact_id, name, value, kind, *deciding.stamp, _is_claimed(deciding))


def _rank(event: Event) -> tuple[bool, int, str]:
    return (not _is_claimed(event), *event.stamp)


def _is_claimed(event: Event) -> bool:
    return cast("Characteristic", event.data).claimed


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
    version=2,
    types=frozenset({"attribute.set", "attribute.unset"}),
    suffixes=lambda event: ((cast("AttributeName", event.data).key,),),
    fold=fold,
    owes=latest_only,
)
