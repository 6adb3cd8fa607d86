"""What readers see of a message that was edited or unsent later: the text it came to, or none.

The timeline keeps every event as it came, and an event that changes a message may come before the message does. So it
is looked up when a page is read, by the message's id within its contact, and no order of arrival can show a text that
was taken back. Of a message's changes an unsending decides, else the latest edit by (occurred_at, event_id).
"""

from typing import Final

import orjson

UNSENT: Final = "message.unsent"
EDITED: Final = "message.edited"
_CONTENT: Final = frozenset({"text", "payload"})


def as_shown(data: str, change: str | None) -> str:
    """An event's data as a reader sees them, as JSON; those of an edited message are its latest edit's already."""
    if change is None:
        return data
    fields = orjson.loads(data)
    if change == EDITED:
        return orjson.dumps(fields | {"edited": True}).decode()
    kept = {name: value for name, value in fields.items() if name not in _CONTENT}
    return orjson.dumps(kept | {"unsent": True}).decode()
