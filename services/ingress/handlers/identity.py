"""Appends decisions of staff, and policies."""

from typing import NamedTuple

from schemas.events import Event
from schemas.events.identity import StaffDecision
from services.ingress.core.decisions import validate_decision
from services.ingress.core.events import Accepted, EventResult, Rejected, RequestContext
from services.ingress.core.policies import validate_policy
from services.ingress.handlers.counting import count
from services.ingress.ports import IdentityReads, Log, Record


class TwoMembers(NamedTuple):
    """The member ids of the customers of two contacts that staff decided are the same, and who decided."""

    of_a: str
    of_b: str
    by: str


async def take_decision(
    raw: bytes, context: RequestContext, log: Log, identity: IdentityReads
) -> EventResult | TwoMembers:
    """Validate a decision and append it, unless it asks for what only merging two members does.

    Raises LogUnavailable.
    """
    outcome = validate_decision(raw, context)
    if isinstance(outcome, Accepted) and (members := await _two_members(outcome.event, identity)) is not None:
        count("decisions", [], ["two_members"])
        return members
    return await take_one("decisions", outcome, log)


async def _two_members(event: Event, identity: IdentityReads) -> TwoMembers | None:
    decided = event.data
    if not isinstance(decided, StaffDecision) or decided.decision != "same" or event.contact is None:
        return None
    a, b = await identity.member_ids(event.tenant, (event.contact.key, decided.other.key))
    return None if a is None or b is None or a == b else TwoMembers(a, b, decided.by)


async def take_policy(raw: bytes, context: RequestContext, log: Log) -> EventResult:
    """Validate a policy and append it. Raises LogUnavailable."""
    return await take_one("policies", validate_policy(raw, context), log)


async def take_one(door: str, outcome: EventResult, log: Log) -> EventResult:
    """Append an event that was validated; count it by its door. Raises LogUnavailable."""
    if isinstance(outcome, Rejected):
        count(door, [], [outcome.reason])
    else:
        await log.append([Record.of(outcome.event, outcome.raw)])
        count(door, [outcome.event], [])
    return outcome
