"""What ingress does: take in canonical events, decisions of staff, policies, and the channels' webhooks."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.decisions import validate_decision
from services.ingress.core.events import (
    Accepted,
    EventResult,
    Rejected,
    RequestContext,
    Unreadable,
    split,
    validate_events,
)
from services.ingress.core.line import translate as translate_line
from services.ingress.core.meta import translate as translate_meta
from services.ingress.core.normalize import lenient_json
from services.ingress.core.policies import validate_policy
from services.ingress.core.translated import Ignored, Translated
from services.ingress.handlers.counting import count as _count
from services.ingress.ports import Log, Record, WebhookSource
from services.runtime.metrics import INGRESS_REJECTED

# Judging this many events takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 200


async def take_events(
    raw: bytes, content_type: str, context: RequestContext, most: int, log: Log
) -> list[EventResult] | Unreadable:
    """Judge a body's events and append the good ones; what became of each. Raises LogUnavailable."""
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
    _count("events", [outcome.event for outcome in accepted], [o.reason for o in outcomes if isinstance(o, Rejected)])
    return outcomes


async def take_decision(raw: bytes, context: RequestContext, log: Log) -> EventResult:
    """Judge a decision and append it if it is one. Raises LogUnavailable."""
    return await _take_one("decisions", validate_decision(raw, context), log)


async def take_policy(raw: bytes, context: RequestContext, log: Log) -> EventResult:
    """Judge a policy and append it if it is one. Raises LogUnavailable."""
    return await _take_one("policies", validate_policy(raw, context), log)


async def _take_one(door: str, outcome: EventResult, log: Log) -> EventResult:
    if isinstance(outcome, Rejected):
        _count(door, [], [outcome.reason])
    else:
        await log.append([Record.of(outcome.event, outcome.raw)])
        _count(door, [outcome.event], [])
    return outcome


async def take_event(event: Event, door: str, log: Log) -> None:
    """Append one event of ingress's own making. Raises LogUnavailable."""
    await log.append([Record.of(event, encode(event))])
    _count(door, [event], [])


async def take_webhook(raw: bytes, source: WebhookSource, received_at: int, log: Log, events: "Translate") -> None:
    """Append what a webhook tells, whose sender is proven. Raises MalformedBody or LogUnavailable."""
    translated = events(lenient_json(raw), source, received_at)
    if translated.events:
        await log.append([Record.of(event, encode(event)) for event in translated.events])
    door = "line" if source.channel == "line" else "meta"
    _count(door, translated.events, [ignored.reason for ignored in translated.ignored])


def line_events(body: Any, source: WebhookSource, received_at: int) -> Translated:
    """What a body of LINE's tells."""
    return translate_line(
        body,
        tenant=source.tenant,
        source=source.source,
        account=source.account,
        provider=source.provider,
        received_at=received_at,
    )


def meta_events(body: Any, source: WebhookSource, received_at: int) -> Translated:
    """What a body of Meta's tells; to a source of one of its channels, what it tells of that one."""
    translated = translate_meta(
        body,
        tenant=source.tenant,
        source=source.source,
        account=source.account,
        provider=source.provider,
        received_at=received_at,
        senders=source.senders,
    )
    if source.channel == "meta":
        return translated
    ours = tuple(one for one in translated.events if one.contact is None or one.contact.channel == source.channel)
    others = len(translated.events) - len(ours)
    return Translated(ours, (*translated.ignored, *(Ignored(0, "another_channel") for _ in range(others))))


Translate = Callable[[Any, WebhookSource, int], Translated]
