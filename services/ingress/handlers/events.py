"""Appends canonical events."""

import asyncio
from typing import Final

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.events import (
    Accepted,
    EventResult,
    Rejected,
    RequestContext,
    Unreadable,
    split,
    validate_events,
)
from services.ingress.handlers.counting import count
from services.ingress.ports import Log, Record
from services.runtime.metrics import INGRESS_REJECTED

# Validating this many events takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 200


async def take_events(
    raw: bytes, content_type: str, context: RequestContext, most: int, log: Log
) -> list[EventResult] | Unreadable:
    """Validate a body's events and append the accepted ones; the outcome of each. Raises LogUnavailable."""
    items = split(raw, content_type, most)
    if isinstance(items, Unreadable):
        INGRESS_REJECTED.labels("events", items.reason).inc()
        return items
    outcomes: list[EventResult] = []
    for start in range(0, len(items), _SLICE):
        if start:
            await asyncio.sleep(0)
        outcomes.extend(validate_events(items[start : start + _SLICE], context, start))
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    if accepted:
        await log.append([Record.of(outcome.event, outcome.raw) for outcome in accepted])
    count("events", [outcome.event for outcome in accepted], [o.reason for o in outcomes if isinstance(o, Rejected)])
    return outcomes


async def take_event(event: Event, door: str, log: Log) -> None:
    """Append one event of ingress's own making. Raises LogUnavailable."""
    await log.append([Record.of(event, encode(event))])
    count(door, [event], [])
