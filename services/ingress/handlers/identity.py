"""Appends decisions of staff, and policies."""

from services.ingress.core.decisions import validate_decision
from services.ingress.core.events import EventResult, Rejected, RequestContext
from services.ingress.core.policies import validate_policy
from services.ingress.handlers.counting import count
from services.ingress.ports import Log, Record


async def take_decision(raw: bytes, context: RequestContext, log: Log) -> EventResult:
    """Validate a decision and append it. Raises LogUnavailable."""
    return await _take_one("decisions", validate_decision(raw, context), log)


async def take_policy(raw: bytes, context: RequestContext, log: Log) -> EventResult:
    """Validate a policy and append it. Raises LogUnavailable."""
    return await _take_one("policies", validate_policy(raw, context), log)


async def _take_one(door: str, outcome: EventResult, log: Log) -> EventResult:
    if isinstance(outcome, Rejected):
        count(door, [], [outcome.reason])
    else:
        await log.append([Record.of(outcome.event, outcome.raw)])
        count(door, [outcome.event], [])
    return outcome
