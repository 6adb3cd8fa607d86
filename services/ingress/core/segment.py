"""A body of Segment's HTTP API: the messages in it, and its write key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.ingress.core.normalize import Fields, MalformedBody, clean
from services.ingress.core.rudderstack import MERGE
from services.ingress.core.web import MAX_MESSAGE_BYTES, Delivery

# RudderStack's SDKs for servers fill a batch up to 4 MiB, and then add one message.
MAX_BATCH_BYTES: Final = 4_300_000
MAX_UNPROVEN_BYTES: Final = 512_000
# How many values a body may hold whose write key is known only once it is parsed.
MAX_UNPROVEN_VALUES: Final = 40_000
MAX_MESSAGES: Final = 2_500
# What the messages of a batch share becomes part of each of them; so large may all these copies be together.
MAX_COPIES_BYTES: Final = 2 * MAX_BATCH_BYTES
# The calls by their paths, and by the letters that the browser's SDK calls them by; `merge` is RudderStack's alone.
CALLS: Final[Mapping[str, str]] = {
    name: call for call in ("identify", "track", "page", "screen", "alias", "group") for name in (call, call[0])
} | {MERGE: MERGE}
BATCHES: Final = frozenset({"batch", "import", "b"})


class BatchTooLarge(ValueError):
    """A batch asks for more than is done at once; ``limit`` is of what it has too much."""

    def __init__(self, detail: str, limit: int) -> None:
        super().__init__(detail)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class SegmentBatch:
    """The messages of a body, and what they share."""

    messages: list[Any]
    delivery: Delivery


def write_key_in(body: Any) -> str | None:
    """The write key in the body, from browsers that can't set a header."""
    key = body.get("writeKey") if isinstance(body, dict) else None
    return key if isinstance(key, str) else None


def segment_batch(name: str, body: Any, received_at: int) -> SegmentBatch:
    """The messages of a call to the route of that name. Raises MalformedBody or BatchTooLarge."""
    if not isinstance(body, dict):
        raise MalformedBody("the body is a JSON object")
    if name not in BATCHES:
        return SegmentBatch([body], Delivery(received_at, call=CALLS[name]))
    messages = body.get("batch")
    if not isinstance(messages, list):
        raise MalformedBody("a batch has its messages in a list called batch")
    if len(messages) > MAX_MESSAGES:
        raise BatchTooLarge(f"a batch has at most {MAX_MESSAGES} messages", MAX_MESSAGES)
    return SegmentBatch(messages, Delivery(received_at, sent_at=body.get("sentAt"), context=_shared(body)))


def _shared(body: Fields) -> Fields:
    """The context that the messages share."""
    given = body.get("context")
    context: Fields = clean(given) if isinstance(given, dict) else {}
    limit = min(MAX_MESSAGE_BYTES, MAX_COPIES_BYTES // max(1, len(body["batch"])))
    if len(orjson.dumps(context)) > limit:
        raise BatchTooLarge(f"the context that so many messages share has at most {limit} bytes", limit)
    return context
