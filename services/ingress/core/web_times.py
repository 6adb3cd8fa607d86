"""When a website's message happened, corrected for a wrong clock.

A browser's clock may be off by years, but the difference of two of its times is right. So a message occurred as long
before its receipt as it was written before it was sent; Segment does the same. A message that brings a ``receivedAt``
was corrected by the service that received it first, and is not corrected again.
"""

from typing import Any, NamedTuple

from schemas.events.base import EARLIEST_MS
from services.ingress.core.normalize import Fields
from services.ingress.core.times import clamp, is_unread, millis_of


class MessageTime(NamedTuple):
    """When a message happened, None where it names no time; and by field, what it says that is no time."""

    at: int | None
    unread: Fields


def time_of(message: Fields, sent_at: Any, received_at: int) -> MessageTime:
    """The message's time; ``sent_at`` is the body's, for messages without ``sentAt``."""
    sent = message.get("sentAt") or sent_at
    stated = {"timestamp": message.get("timestamp"), "originalTimestamp": message.get("originalTimestamp")}
    unread = {name: value for name, value in (stated | {"sentAt": sent}).items() if is_unread(value)}
    at = millis_of(stated["timestamp"])
    if at is None:
        at = millis_of(stated["originalTimestamp"])
    if at is None:
        return MessageTime(None, unread)
    sent_ms = millis_of(sent)
    if sent_ms is not None and message.get("receivedAt") is None:
        at += received_at - sent_ms
    return MessageTime(clamp(at, received_at) if at >= EARLIEST_MS else None, unread)
