"""What one request states of one contact: several events of one moment, each with an id that a repeat gets again.

The ids of one statement are in the order of its events, so that where two of them are about one thing (an identifier
is taken away and given, say) the later one counts, which goes by ``(occurred_at, event_id)``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.events import Event
from services.ingress.core.events import Accepted, Rejected, RequestContext, shown, validate_event
from services.ingress.core.normalize import content_hash_id

MOST_TAGS: Final = 100
MOST_ATTRIBUTES: Final = 200
MOST_IDENTIFIERS: Final = 20


class Refused(ValueError):
    """This states nothing: a word of a closed set, a sentence for people, and the field it is about."""

    def __init__(self, reason: str, detail: str, field: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.field = reason, detail, field


class EventDraft(NamedTuple):
    """One event to be: its type, its data, and which field of what was said it comes from."""

    type: str
    data: Mapping[str, Any]
    field: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The events that a record or a command became; never none."""

    index: int
    parts: tuple[Accepted, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, in the order of their ids."""
        return tuple(part.event for part in self.parts)


_EVIDENCE: Final = ("identity.bound", "identity.unbound", "identity.decided")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is remembered of a statement that the log has: enough to look for it in the read models."""

    index: int
    contact: str
    event_ids: tuple[str, ...]
    evidence: tuple[str, ...] = ()  # those of them that are about who is who
    policies: tuple[str, ...] = ()  # and those that set the tenant's policy
    vouched: bool = False  # they carry intrinsic identifiers

    @classmethod
    def of(cls, index: int, events: Sequence[Event]) -> "Receipt":
        """Of one contact's events, or of one that has no contact."""
        contact = events[0].contact
        return cls(
            index,
            contact.key if contact else "",
            tuple(event.event_id for event in events),
            tuple(event.event_id for event in events if event.type in _EVIDENCE),
            tuple(event.event_id for event in events if event.type == "tenant.policy_set"),
            any(event.intrinsic for event in events),
        )


class Envelope(NamedTuple):
    """What the events of a statement share."""

    contact: Any
    occurred_at: Any
    stem: str
    source: str
    intrinsic: list[dict[str, Any]]


def stem(prefix: str, *said: Any, place: int | None = None) -> str:
    """The first part of a statement's ids: equal for equal content.

    ``place`` is where in its request the statement stood, for those that only their request tells apart.
    """
    digest = content_hash_id(said).removeprefix("hash:")
    return f"{prefix}:{digest}" if place is None else f"{prefix}:{place:06d}:{digest}"


def state(drafts: Iterable[EventDraft], envelope: Envelope, index: int, context: RequestContext) -> Statement:
    """The statement of the drafts. Raises Refused: all of it is stated, or none."""
    common = {
        "contact": envelope.contact,
        "occurred_at": envelope.occurred_at,
        "source": envelope.source,
        "intrinsic": envelope.intrinsic,
    }
    parts = []
    for number, draft in enumerate(drafts):
        event = {**common, "event_id": f"{envelope.stem}:{number:04d}", "type": draft.type, "data": dict(draft.data)}
        outcome = validate_event(event, index, context)
        if isinstance(outcome, Rejected):
            raise Refused(outcome.reason, outcome.detail, _said_as(outcome.field, draft.field))
        parts.append(outcome)
    return Statement(index, tuple(parts))


def _said_as(field: str, said: str) -> str:
    """The field of an event as that of what was said: data came from the draft's own."""
    return said if field == "data" or field.startswith("data.") else field


def only(said: Any, fields: frozenset[str], what: str) -> dict[str, Any]:
    """The object that was said, if it is one and has no other fields. Raises Refused."""
    if not isinstance(said, dict):
        raise Refused("not_an_object", f"{what} is a JSON object")
    if unknown := said.keys() - fields:
        raise Refused("unknown_field", f"{what} has {', '.join(sorted(fields))}", shown(min(unknown)))
    return said


def listed(said: Any, field: str, most: int) -> list[Any]:
    """The list that was said; null is an empty one. Raises Refused."""
    if said is None:
        return []
    if not isinstance(said, list):
        raise Refused("invalid_field", "this is a list", field)
    if len(said) > most:
        raise Refused("too_many", f"at most {most} are taken at once", field)
    return said


def tagging(said: Any, field: str, source: str) -> list[EventDraft]:
    """``{"add": […], "remove": […]}``; a tag of both is removed first, so that its counting begins again."""
    if said is None:
        return []
    if not isinstance(said, dict) or said.keys() - {"add", "remove"}:
        raise Refused("invalid_field", "tags are {add: […], remove: […]}", field)
    drafts = []
    for name, type_name in (("remove", "tag.removed"), ("add", "tag.added")):
        place = f"{field}.{name}" if field else name
        for number, tag in enumerate(listed(said.get(name), place, MOST_TAGS)):
            data = tag if isinstance(tag, dict) else {"tag": tag}
            drafts.append(EventDraft(type_name, {"source": source} | data, f"{place}.{number}"))
    return drafts


def attribute(key: str, value: Any, field: str) -> EventDraft:
    """An attribute's value, bare or as ``{"value": …, "type": …}``; null takes it away."""
    place = f"{field}.{shown(key)}"
    if value is None:
        return EventDraft("attribute.unset", {"key": key}, place)
    if isinstance(value, dict):
        return EventDraft("attribute.set", value | {"key": key}, place)
    return EventDraft("attribute.set", {"key": key, "value": value}, place)


def identifiers(said: Any, field: str) -> list[dict[str, Any]]:
    """``[{"type": …, "value": …}]``. Raises Refused; what is in each, the event's own rules say."""
    found = listed(said, field, MOST_IDENTIFIERS)
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise Refused("invalid_field", "an identifier is {type, value}", f"{field}.{number}")
    return found
