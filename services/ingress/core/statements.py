"""The events that one request states about one contact, with ids that a repeated request gives again.

All have the same time, and their ids are in the order of the events. So if two of them concern one thing (an identifier
is removed and added), the later one counts, since the latest is decided by ``(occurred_at, event_id)``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from projections.identity.resolution.contact_values import contact_values
from schemas.events import Event
from schemas.events.base import AssertedIdentifier
from services.ingress.core.events import Accepted, Rejected, RequestContext, validate_event
from services.ingress.core.normalize import Fields, content_hash_id
from services.ingress.core.requests import AttributeInput, Refused, TagChanges
from services.ingress.core.stated_values import StatedValue, ValueWarning, unread, values_in
from services.ingress.core.times import millis_of


class EventDraft(NamedTuple):
    """A draft of one event: its type, its data, and the field of the request that it comes from."""

    type: str
    data: Mapping[str, Any]
    field: str


@dataclass(frozen=True, slots=True)
class AcceptedItem:
    """The events that a record or a command became; never none."""

    index: int
    parts: tuple[Accepted, ...]
    warnings: tuple[ValueWarning, ...] = ()  # of what can't be read

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, in the order of their ids."""
        return tuple(part.event for part in self.parts)


_NOTHING: Final[Fields] = {}
_EVIDENCE: Final = ("identity.bound", "identity.unbound", "identity.decided")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is kept of a statement that is in the log: enough to look for it in the read models, and to warn of it."""

    index: int
    contact: str
    event_ids: tuple[str, ...]
    evidence: tuple[str, ...] = ()  # those of them that are about who is who
    policies: tuple[str, ...] = ()  # and those that set the tenant's policy
    merges: tuple[str, ...] = ()  # and those that say which member id became another
    vouched: bool = False  # they carry intrinsic identifiers
    stated: tuple[StatedValue, ...] = ()  # the identifiers that they state
    warnings: tuple[ValueWarning, ...] = ()

    @classmethod
    def of(cls, index: int, events: Sequence[Event], warnings: tuple[ValueWarning, ...] = ()) -> "Receipt":
        """Of one contact's events, or of one that has no contact."""
        contact = events[0].contact
        return cls(
            index,
            contact.key if contact else "",
            tuple(event.event_id for event in events),
            tuple(event.event_id for event in events if event.type in _EVIDENCE),
            tuple(event.event_id for event in events if event.type == "tenant.policy_set"),
            tuple(event.event_id for event in events if event.type == "member.merged"),
            any(event.intrinsic for event in events),
            values_in(events),
            warnings,
        )


class Envelope(NamedTuple):
    """What the events of a statement share."""

    contact: Any
    occurred_at: Any
    stem: str
    source: str
    intrinsic: list[dict[str, Any]]


def stem(prefix: str, *content: Any, place: int | None = None) -> str:
    """The first part of a statement's ids: equal for equal content.

    ``place`` is the statement's index in its request, for statements whose content may be equal.
    """
    digest = content_hash_id(content).removeprefix("hash:")
    return f"{prefix}:{digest}" if place is None else f"{prefix}:{place:06d}:{digest}"


def to_statement(
    drafts: Iterable[EventDraft], envelope: Envelope, index: int, context: RequestContext, left: Fields = _NOTHING
) -> AcceptedItem:
    """The statement of the drafts. ``left`` is what can't be read, by field. Raises Refused: all is stated, or none."""
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
            raise Refused(outcome.reason, outcome.detail, _field_name(outcome.field, draft.field))
        parts.append(outcome)
    contact = parts[0].event.contact if parts else None
    key = contact.key if contact else None
    return AcceptedItem(index, tuple(parts), tuple(unread(key, name, value) for name, value in left.items()))


def _field_name(field: str, of_data: str) -> str:
    """The request's field that a field of the event comes from; ``of_data`` is the one that the data come from."""
    return of_data if field == "data" or field.startswith("data.") else field


def tag_drafts(changes: TagChanges | None, place: str, source: str) -> Iterator[EventDraft]:
    """The events of tag changes, removals first; ``place`` comes before the fields' names."""
    if changes is None:
        return
    for name, type_name, tags in (("remove", "tag.removed", changes.remove), ("add", "tag.added", changes.add)):
        for number, tag in enumerate(tags or ()):
            data = {"source": source} | tag.model_dump(exclude_unset=True)
            yield EventDraft(type_name, data, f"{place}{name}.{number}")


def attribute_drafts(values: Mapping[str, AttributeInput | None] | None, place: str) -> Iterator[EventDraft]:
    """The events of attributes by key; a value of None removes the attribute."""
    for key, value in (values or {}).items():
        if value is None:
            yield EventDraft("attribute.unset", {"key": key}, f"{place}.{key}")
        else:
            yield EventDraft("attribute.set", value.model_dump(exclude_unset=True) | {"key": key}, f"{place}.{key}")


def unread_dates(values: Mapping[str, AttributeInput | None] | None, place: str) -> Fields:
    """By field, the attributes that are to be a date or a time and can't be read as one; they are set as they are."""
    dates = {key: one for key, one in (values or {}).items() if one and one.type in {"date", "datetime"}}
    return {f"{place}.{key}": one.value for key, one in dates.items() if not _is_date(one.value)}


def _is_date(value: Any) -> bool:
    if millis_of(value) is not None:
        return True
    try:
        datetime.fromisoformat(str(value))  # also before 1973, such as a birthday
    except ValueError:
        return False
    return True


def identifier_data(identifiers: Sequence[AssertedIdentifier] | None) -> list[dict[str, Any]]:
    """The identifiers as an event's data hold them; of a text with several values, each."""
    return [
        one.model_dump(exclude_none=True) | {"value": value}
        for one in identifiers or ()
        for value in contact_values(one.type, one.value)
    ]


def identifiers_as_sent(identifiers: Sequence[AssertedIdentifier] | None, field: str) -> Fields:
    """By field of the request, the text of identifiers that differs from the values read in it."""
    return {
        f"{field}.{number}": one.value
        for number, one in enumerate(identifiers or ())
        if contact_values(one.type, one.value) != (one.value,)
    }
