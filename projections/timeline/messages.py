"""One message, however many events there are of it, and what readers see of it (pure).

A message of one contact with one ``message_id`` is one message. A campaign is declared through the API, and the
channel echoes it; a history gives a placeholder first and the content later. Of such events one counts: what a sender
declared before what a channel echoed, content before a placeholder, then the earliest. The times of a contact and its
timeline come out as if the others did not exist, whatever the order of arrival.

A message that was edited or unsent later reads as the text that it came to, or as none. The timeline keeps every event
as it came, and an event that changes a message may come before the message does. So it is looked up when a page is
read, and no order of arrival can show a text that was taken back. Of a message's changes an unsending decides, else
the latest edit by (occurred_at, event_id).
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import orjson

from projections.engine.projection import ContactEvent
from schemas.events.conversation import TeamMessage

SENT: Final = "team.message_sent"
UNSENT: Final = "message.unsent"
EDITED: Final = "message.edited"
PLACEHOLDER: Final = "media_placeholder"  # what WhatsApp's history has instead of a file, which it sends later
_CONTENT: Final = frozenset({"text", "payload"})


class MessageKey(NamedTuple):
    """A message of the team to a contact."""

    tenant: str
    contact_id: UUID
    message_id: str


def sent_message(one: ContactEvent) -> MessageKey | None:
    """The message of the team that the event is about; None where it has no id, or the event is another."""
    event = one.event
    if event.type != SENT or event.contact is None:  # most are another: to ask for the class of data costs much more
        return None
    message_id = cast("TeamMessage", event.data).message_id
    return None if message_id is None else MessageKey(event.tenant, one.contact_id, message_id)


def rank(one: ContactEvent) -> tuple[bool, bool, int, str]:
    """What decides between events of one message of the team: the least counts. SQL has the same in `selects`."""
    data = one.event.data
    if not isinstance(data, TeamMessage):
        raise TypeError(f"{one.event.type} is no message of the team")
    return (data.echo is True, data.payload.get("type") == PLACEHOLDER, *one.event.stamp)


def counting_events(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that read models take in, of a whole set of distinct ones: of each message one."""
    counting: list[ContactEvent] = []
    messages: dict[MessageKey, ContactEvent] = {}
    for one in events:
        key = sent_message(one)
        if key is None:
            counting.append(one)
        else:
            messages[key] = min(messages.get(key, one), one, key=rank)
    return [*counting, *messages.values()]


def with_echo(data: str, echo: str | None) -> str:
    """A declared message's data as JSON, with the text and other content of its echo where it has none of its own."""
    if echo is None:
        return data
    fields: dict[str, Any] = orjson.loads(data)
    echoed = {name: value for name, value in orjson.loads(echo).items() if name != "echo"}
    return orjson.dumps(echoed | {name: value for name, value in fields.items() if value not in ("", {})}).decode()


def as_shown(data: str, change: str | None) -> str:
    """An event's data as a reader sees them, as JSON; those of an edited message are its latest edit's already."""
    if change is None:
        return data
    fields = orjson.loads(data)
    if change == EDITED:
        return orjson.dumps(fields | {"edited": True}).decode()
    kept = {name: value for name, value in fields.items() if name not in _CONTENT}
    return orjson.dumps(kept | {"unsent": True}).decode()
