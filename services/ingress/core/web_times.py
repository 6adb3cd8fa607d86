"""When a website's message happened, corrected for a wrong clock.

A browser's clock may be off by years, but the difference of two of its times is right. So a message occurred as long
before its receipt as it was written before it was sent; Segment does the same. A message that brings a ``receivedAt``
was corrected by the service that received it first, and is not corrected again.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.ingress.core.normalize import clamp, usable_millis

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LONGEST: Final = 64
# As senders write by hand what others print: months and days without their zeros.
_UNPADDED: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)", re.ASCII | re.DOTALL)


def happened_at(message: dict[str, Any], sent_at: Any, received_at: int) -> int:
    """The message's time, else when it was received; ``sent_at`` is the body's, for messages without ``sentAt``."""
    at = millis_of(message.get("timestamp"))
    if at is None:
        at = millis_of(message.get("originalTimestamp"))
    if at is None:
        return received_at
    sent = millis_of(message.get("sentAt") or sent_at)
    if sent is not None and message.get("receivedAt") is None:
        at = usable_millis(at + received_at - sent) or received_at
    return clamp(at, received_at)


def millis_of(value: Any) -> int | None:
    """An ISO 8601 time, or whole milliseconds, as milliseconds; None for what is neither. Without a zone it is UTC."""
    if not isinstance(value, str):
        return usable_millis(value)
    if len(value) > _LONGEST:
        return None
    moment = _moment(value) or _moment(_padded(value))
    return usable_millis((moment - _EPOCH) // _MILLISECOND) if moment else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except ValueError:
        return None


def _padded(text: str) -> str:
    found = _UNPADDED.fullmatch(text)
    if found is None:
        return ""
    year, month, day, rest = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}{rest}"
