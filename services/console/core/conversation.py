"""Events as a conversation: what the person and the team said, and what else happened between them (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.core.event_words import OF_FIELDS, message_kind
from services.console.core.names import Names, short
from services.query.core.models import TimelineEvent

BubbleSide = Literal["customer", "team", "between"]
# Kinds of events that a reader may choose, and the types of each. No types: all.
FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "messages": ("message.received", "team.message_sent", "bot.interacted"),
    "website": ("web.tracked",),
    "subscription": (
        "contact.followed",
        "contact.blocked",
        "marketing.opted_out",
        "marketing.opted_in",
        "notification.opted_in",
        "notification.opted_out",
    ),
    "identity": (
        "identity.bound",
        "identity.unbound",
        "identity.decided",
        "contact.superseded",
        "contact.events_erased",
    ),
    "labels": ("tag.added", "tag.removed", "attribute.set", "attribute.unset", "profile.updated"),
    "all": (),
}
DEFAULT_FILTER: Final = "messages"
_SIDES: Final[Mapping[str, BubbleSide]] = {
    "message.received": "customer",
    "bot.interacted": "customer",
    "web.tracked": "customer",
    "team.message_sent": "team",
}


_SAID: Final = (
    "event",
    "url",
    "tag",
    "key",
    "value",
    "status",
    "decision",
    "topic",
    "display_name",
    "member",
    "branch",
)


@dataclass(frozen=True, slots=True)
class Bubble:
    """One event as it is shown. ``text`` is empty where there is none, as of a picture or an unsent message."""

    event_id: str
    side: BubbleSide
    what: str
    text: str
    at: int
    contact: str
    mark: Literal["", "unsent", "edited"]
    by: str


def filter_types(name: str) -> tuple[str, tuple[str, ...]]:
    """The filter of this name, or the default one, and its types of events."""
    known = name if name in FILTERS else DEFAULT_FILTER
    return known, FILTERS[known]


def bubbles(events: Sequence[TimelineEvent], names: Names) -> list[Bubble]:
    """A page's events, newest first, as bubbles, the oldest first."""
    return [_bubble(event, names) for event in reversed(events)]


def _bubble(event: TimelineEvent, names: Names) -> Bubble:
    data = event.data
    return Bubble(
        event_id=event.event_id,
        side=_SIDES.get(event.type, "between"),
        what=_what(event, names),
        text=_text(event.type, data, names),
        at=event.occurred_at,
        contact=event.contact,
        mark=_mark(event),
        by=_by(data, names),
    )


def _mark(event: TimelineEvent) -> Literal["", "unsent", "edited"]:
    """What became of a message. The event that unsent it says so itself."""
    if event.data.get("unsent") and event.type != "message.unsent":
        return "unsent"
    return "edited" if event.data.get("edited") else ""


def _by(data: Mapping[str, Any], names: Names) -> str:
    who = str(data.get("agent") or data.get("campaign") or data.get("by") or "")
    return names.say("the customer") if who == "customer" else who


def _what(event: TimelineEvent, names: Names) -> str:
    kind = event.data.get("kind")
    if event.type == "message.received" and isinstance(kind, str) and kind != "text":
        return f"{names.event(event.type)} · {message_kind(kind, names.say)}"
    purpose = event.data.get("purpose")
    if event.type == "team.message_sent" and isinstance(purpose, str) and purpose != "conversation":
        return f"{names.event(event.type)} · {names.purpose(purpose)}"
    return names.event(event.type)


def _text(type_name: str, data: Mapping[str, Any], names: Names) -> str:
    if type_name.startswith(("message.", "team.message_sent")):
        return str(data.get("text") or "")
    if type_name == "bot.interacted":
        payload = data.get("payload")
        return payload if isinstance(payload, str) else str(data.get("action") or "")
    return " · ".join(short(part) for part in _parts(type_name, data, names) if part)


def _parts(type_name: str, data: Mapping[str, Any], names: Names) -> list[str]:
    """What an event that is no message says, in a few words."""
    identifiers = [
        f"{names.identifier(str(one.get('type')))} {one.get('value')}"
        for one in _items(data.get("identifiers"))
        if isinstance(one, Mapping)
    ]
    kinds = [names.kind(str(one)) for one in _items(data.get("kinds"))]
    plain = [_said(type_name, field, data[field], names) for field in _SAID if data.get(field) is not None]
    others = [_contact(data[field], names) for field in ("linked_contact", "other") if data.get(field)]
    way = names.way(str(data["via"])) if data.get("via") else ""
    return [*plain, *identifiers, *others, *kinds, way]


def _said(type_name: str, field: str, value: object, names: Names) -> str:
    in_words = OF_FIELDS.get((type_name, field))
    return in_words(value, names.say) if in_words is not None and isinstance(value, str) else names.value(value)


def _contact(value: object, names: Names) -> str:
    if not isinstance(value, Mapping):
        return ""
    return names.contact(":".join(str(value.get(part, "")) for part in ("channel", "account", "uid")))


def _items(value: object) -> list[Any]:
    """The items of a list; none of anything else, since an event of an unknown type may hold whatever was sent."""
    return value if isinstance(value, list) else []
