"""Appends canonical events."""

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.events import (
    Accepted,
    EventResult,
    Rejected,
    RequestContext,
    Unreadable,
    validate_event,
)
from services.ingress.handlers.counting import count
from services.ingress.handlers.splitting import split
from services.ingress.handlers.turns import Turns
from services.ingress.ports import Log, Record
from services.runtime.metrics import INGRESS_REJECTED


async def take_events(
    raw: bytes, content_type: str, context: RequestContext, most: int, log: Log
) -> list[EventResult] | Unreadable:
    """Validate a body's events and append the accepted ones; the outcome of each. Raises LogUnavailable."""
    turns = Turns()
    items = await split(raw, content_type, most, turns)
    if isinstance(items, Unreadable):
        INGRESS_REJECTED.labels("events", items.reason).inc()
        return items
    outcomes: list[EventResult] = []
    for index, item in enumerate(items):
        outcome = validate_event(item, index, context)
        outcomes.append(outcome)
        await turns.spend(len(outcome.raw) if isinstance(outcome, Accepted) else 0)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    if accepted:
        await log.append([Record.of(outcome.event, outcome.raw) for outcome in accepted])
    count("events", [outcome.event for outcome in accepted], [o.reason for o in outcomes if isinstance(o, Rejected)])
    return outcomes


async def take_event(event: Event, door: str, log: Log) -> None:
    """Append one event of ingress's own making. Raises LogUnavailable."""
    await log.append([Record.of(event, encode(event))])
    count(door, [event], [])
