"""Reads lines of canonical events, as leniently as ``POST /v1/events`` does.

Fields that ingress fills in may be missing: tenant, source, time received and event id. A line that is not an event
becomes a ``BadLine``.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from schemas import codec
from schemas.events import Event

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NUL_ESCAPE: Final = b"\\u0000"
DEFAULT_SOURCE: Final = "api"


class BadLine(NamedTuple):
    """A line that is not an event, with the field and the rule that it breaks, never the value."""

    number: int
    reason: str
    field: str
    detail: str

    def __str__(self) -> str:
        where = f" {self.field}:" if self.field else ""
        return f"line {self.number}: {self.reason}:{where} {self.detail}"


def read_events(lines: Iterable[bytes], tenant: str) -> Iterator[Event | BadLine]:
    """The event of each line that isn't blank; ``tenant`` is the tenant of events that name none."""
    for number, line in enumerate(lines, 1):
        text = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
        if not text:
            continue
        try:
            yield _event(text, tenant)
        except codec.InvalidEvent as error:
            yield BadLine(number, error.reason, error.field, error.detail)


def _event(text: bytes, tenant: str) -> Event:
    if len(text) > codec.MAX_EVENT_BYTES:
        raise codec.InvalidEvent(
            "too_large", f"an event is at most {codec.MAX_EVENT_BYTES} bytes, this has {len(text)}"
        )
    raw = codec.parse(text)
    if isinstance(raw, dict):
        _fill_in(raw, tenant)
    return codec.from_dict(raw, check_text=_NUL_ESCAPE in text)


def _fill_in(raw: dict[str, Any], tenant: str) -> None:
    """Fill in what ingress would. The time received is not hashed: the same content is the same event."""
    if "event_id" not in raw:
        content = {key: value for key, value in raw.items() if key != "received_at"}
        raw["event_id"] = f"hash:{sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()}"
    raw.setdefault("tenant", tenant)
    raw.setdefault("source", DEFAULT_SOURCE)
    if "received_at" not in raw and "occurred_at" in raw:
        raw["received_at"] = raw["occurred_at"]
