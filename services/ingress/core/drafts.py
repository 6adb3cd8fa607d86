"""An item of a Meta webhook as a draft of an event.

A channel's translator makes drafts of items; ``meta`` makes events of drafts. A draft that the log would refuse is kept
as an event of type ``<channel>.<name>`` with all of its data, so that nothing that a channel sent is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args

from schemas.codec import InvalidEvent
from schemas.events import Event
from schemas.events.conversation import Purpose
from services.ingress.core.normalize import MAX_WORD, Fields, clean_text, content_hash_id, snake_case, word
from services.ingress.core.times import clamp
from services.ingress.core.translated import EventContent, to_event

# What Meta's console sends at the push of a button has this entry id, and people and accounts that are none.
CONSOLE_ENTRY: Final = "0"
_PURPOSES: Final = frozenset(get_args(Purpose))


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What is known of the source that a webhook came to, independent of the body."""

    tenant: str
    source: str
    received_at: int
    account: str | None
    provider: str | None
    senders: Mapping[str, str]
    plain: bool = False  # see ParsedBody

    def purpose_of(self, app_id: Any) -> str | None:
        """What an app of ours sends, by its Meta app id; None of an app that isn't ours."""
        return purpose(self.senders.get(word(app_id) or ""))


class ItemDraft(NamedTuple):
    """A draft of one event: ``at`` is the channel's time in ms, ``unread`` is kept if ``content`` is refused.

    ``account`` is the account that it is about if it has no contact.
    """

    event_id: str
    content: EventContent
    unread: EventContent
    at: int | None
    contact: Fields | None = None
    account: Fields | None = None
    intrinsic: tuple[Fields, ...] = ()


def purpose(value: Any) -> str | None:
    """The value if it is a purpose of a team's message."""
    return value if isinstance(value, str) and value in _PURPOSES else None


def event_of(draft: ItemDraft, context: SourceContext) -> Event | str:
    """The draft's event, or the reason why there is none."""
    envelope = {
        "tenant": context.tenant,
        "source": context.source,
        "received_at": context.received_at,
        "event_id": draft.event_id,
        "contact": draft.contact,
        "account": draft.account if draft.contact is None else None,
        "occurred_at": context.received_at if draft.at is None else clamp(draft.at, context.received_at),
        "intrinsic": list(draft.intrinsic),
    }
    for type_name, data in (draft.content, draft.unread):
        try:
            return to_event(envelope | {"type": type_name, "data": data}, small=context.plain)
        except InvalidEvent as error:
            reason = error.reason
    return reason


def unread(channel: str, name: Any, data: Fields) -> EventContent:
    """The content of an item that is not understood, under the channel's own name for it."""
    return f"{channel}.{snake_case(word(name) or 'unknown')}", data


def own_id(channel: str, *parts: Any) -> str | None:
    """The event id from the channel's own id and what distinguishes the events that share it; None if it is no id."""
    if not all(isinstance(part, str) and part for part in parts):
        return None
    event_id = clean_text(":".join((channel, *parts)))
    return event_id if len(event_id) <= MAX_WORD else None


def hashed_id(channel: str, account: str | None, content: Fields) -> str:
    """The event id of an item that has no id of its own."""
    return content_hash_id({"channel": channel, "account": account} | content)


def identity(value: Any) -> str | None:
    """An id as a channel gives it, as text or as a number; None where it is none, or too long to be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_WORD else None


def listed(value: Any) -> list[Any]:
    """The list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def fields(value: Any) -> Fields:
    """The object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}
