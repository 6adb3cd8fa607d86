"""Dead letters of two tenants, as a worker sets records aside."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.codec import encode
from schemas.topics import CHANNEL_EVENTS, DEAD_LETTERS, event_key
from services.runtime.publishing import open_publisher
from services.runtime.settings import Settings
from tests.support.contact_records import event

CONTACT: Final = "line:oa1:U1"
GARBAGE: Final = b'{"event_id": "<script>document.title=\'ran\'</script>", \xff'
GOOD: Final = encode(event("contact.followed", contact=CONTACT))


class Letter(NamedTuple):
    """A record of a tenant, at an offset of the log's first partition, and why it was set aside."""

    tenant: str
    offset: int
    reason: str
    value: bytes


async def set_aside(settings: Settings) -> str:
    """Two records of ``demo`` and one of ``other``, the second one of which is an event; returns the log's name."""
    letters = (("demo", 7, "not_json", GARBAGE), ("demo", 8, "future_version", GOOD), ("other", 9, "not_json", GARBAGE))
    return await add_letters(settings, [Letter(*one) for one in letters])


async def add_letters(settings: Settings, letters: Sequence[Letter]) -> str:
    """Set records aside; returns the log's name."""
    log = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    async with open_publisher(settings) as publisher:
        for tenant, offset, reason, value in letters:
            texts = {"reason": reason, "detail": "it was refused", "field": "", "topic": log, "partition": "0"}
            headers = [(name, text.encode()) for name, text in (texts | {"offset": str(offset)}).items()]
            headers.append(("key", event_key(tenant, CONTACT)))
            place = f"{log}/0/{offset}".encode()
            await publisher.send(DEAD_LETTERS.full_name(settings.topic_prefix), place, value, headers)
    return log
