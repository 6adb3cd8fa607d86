"""The result of a translator, and how a draft becomes an event that fits into the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from schemas.codec import MAX_EVENT_BYTES, encode, from_dict
from schemas.events import EVENT_TYPES, Event
from services.ingress.core.normalize import Fields
from services.ingress.core.stated_values import ValueWarning

EventContent = tuple[str, Fields]  # an event's type and data
# How much of each text, list and object is kept, tried in turn until the event fits.
_LIMITS: Final = (65_536, 16_384, 1_024, 64, 1)
# Fields of our own at the top of ``data`` are fewer and shorter than this, so that cutting never takes one.
_FIELDS: Final = 64


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry of the body that became no event: where it was, and one of a closed set of reasons."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Translated:
    """Every entry of a body, either as an event or as ignored; ``warnings`` are of values that became no event."""

    events: tuple[Event, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    warnings: tuple[ValueWarning, ...] = ()

    @property
    def unknown(self) -> tuple[Event, ...]:
        """The events of types that change nothing."""
        return tuple(event for event in self.events if event.type not in EVENT_TYPES)


def to_event(envelope: Mapping[str, Any], *, small: bool = False) -> Event:
    """The event in an envelope whose texts are clean; data too large for the log are cut and marked ``truncated``.

    ``small`` says that it surely fits. Raises InvalidEvent when the envelope is no event, or is of a type that is too
    large and has no place for the mark.
    """
    event = from_dict(dict(envelope), check_text=False)
    if small or _is_small(envelope) or len(encode(event)) <= MAX_EVENT_BYTES:
        return event
    for limit in _LIMITS:
        event = from_dict({**envelope, "data": _shortened(envelope, limit)}, check_text=False)
        if len(encode(event)) <= MAX_EVENT_BYTES:
            break
    return event


def _is_small(envelope: Mapping[str, Any]) -> bool:
    """Whether the event surely fits, by a sum that costs less than to encode it: it adds only some defaults."""
    try:
        return len(orjson.dumps(envelope)) < MAX_EVENT_BYTES // 2
    except TypeError:  # such as a number that orjson does not take
        return False


def _shortened(envelope: Mapping[str, Any], limit: int) -> dict[str, Any]:
    most = max(limit, _FIELDS)
    data = {key[:most]: _cut(value, limit) for key, value in islice(envelope["data"].items(), most)}
    place = _mark_of(envelope["type"])
    if place is None:
        return data | {"truncated": True}
    around = data.get(place) or {}
    return data | {place: (around if isinstance(around, dict) else {"data": around}) | {"truncated": True}}


def _mark_of(type_name: str) -> str | None:
    """The field of a known type's data that may hold anything; of an unknown type's it is the data themselves."""
    if type_name not in EVENT_TYPES:
        return None
    return "properties" if type_name == "web.tracked" else "payload"


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, list):
        return [_cut(inner, limit) for inner in value[:limit]]
    if isinstance(value, dict):
        return {key[:limit]: _cut(inner, limit) for key, inner in islice(value.items(), limit)}
    return value
