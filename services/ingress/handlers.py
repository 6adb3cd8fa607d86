"""What ingress does: take in canonical events, decisions of staff, policies, and LINE's webhooks."""

import asyncio
from typing import Final

from schemas.codec import encode
from services.ingress.core.decisions import judge_decision
from services.ingress.core.events import Accepted, Facts, Outcome, Rejected, Unreadable, judge_all, split
from services.ingress.core.line import translate
from services.ingress.core.normalize import lenient_json
from services.ingress.core.policies import judge_policy
from services.ingress.core.signatures import line_signature_matches
from services.ingress.counting import count as _count
from services.ingress.ports import Log, Record, WebhookSource
from services.runtime.metrics import INGRESS_REJECTED

# Judging this many events takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 200


class WrongSignature(Exception):  # noqa: N818 - named by what is wrong
    """Whoever sent this does not know the source's secret."""


async def take_events(raw: bytes, content_type: str, facts: Facts, most: int, log: Log) -> list[Outcome] | Unreadable:
    """Judge a body's events and append the good ones; what became of each. Raises LogAway."""
    items = split(raw, content_type, most)
    if isinstance(items, Unreadable):
        INGRESS_REJECTED.labels("events", items.reason).inc()
        return items
    outcomes: list[Outcome] = []
    for start in range(0, len(items), _SLICE):
        if start:
            await asyncio.sleep(0)
        outcomes.extend(judge_all(items[start : start + _SLICE], facts, start))
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    if accepted:
        await log.append([Record.of(outcome.event, outcome.raw) for outcome in accepted])
    _count("events", [outcome.event for outcome in accepted], [o.reason for o in outcomes if isinstance(o, Rejected)])
    return outcomes


async def take_decision(raw: bytes, facts: Facts, log: Log) -> Outcome:
    """Judge a decision and append it if it is one. Raises LogAway."""
    return await _take_one("decisions", judge_decision(raw, facts), log)


async def take_policy(raw: bytes, facts: Facts, log: Log) -> Outcome:
    """Judge a policy and append it if it is one. Raises LogAway."""
    return await _take_one("policies", judge_policy(raw, facts), log)


async def _take_one(door: str, outcome: Outcome, log: Log) -> Outcome:
    if isinstance(outcome, Rejected):
        _count(door, [], [outcome.reason])
    else:
        await log.append([Record.of(outcome.event, outcome.raw)])
        _count(door, [outcome.event], [])
    return outcome


async def take_line_webhook(
    raw: bytes, signature: str | None, source: WebhookSource, received_at: int, log: Log
) -> None:
    """Append what a LINE webhook tells. Raises WrongSignature, MalformedBody or LogAway."""
    if not line_signature_matches(raw, signature, source.secrets):
        raise WrongSignature
    translated = translate(
        lenient_json(raw),
        tenant=source.tenant,
        source=source.source,
        account=source.account,
        provider=source.provider,
        received_at=received_at,
    )
    if translated.events:
        await log.append([Record.of(event, encode(event)) for event in translated.events])
    _count("line", translated.events, [ignored.reason for ignored in translated.ignored])
