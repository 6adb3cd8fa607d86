"""Validates an identity policy that an administrator sets: an event that occurs now.

The event contains the whole policy, with today's defaults for what was left out, so that a later change of the defaults
does not change the tenant's policy.
"""

from typing import Any, Final

from pydantic import Field

from projections.identity.resolution.policy import Policy
from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Text, Word
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, policy_refusal, validate_event
from services.ingress.core.requests import Refused, read

_REGION: Final = "default_region"


class PolicyRequest(Frozen):
    """A policy to set; what it leaves out is as in the default policy."""

    policy: dict[str, Any] = Field(
        examples=[{"types": {"phone": {"claimed": None, "limit": 4}}, "also_blocked": ["vip"]}]
    )
    by: Word | None = Field(None, description="Who sets it.")
    note: Text | None = Field(None, description="Why.")
    event_id: Word | None = Field(None, description="Your own id of this change; the policy's version.")


def validate_policy(raw: bytes, context: RequestContext) -> EventResult:
    """The event of the policy in a body, or why there is none; nothing is raised, whatever the bytes."""
    try:
        request = read(PolicyRequest, parse(raw), "a request to set the policy")
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)
    if (unfit := policy_refusal(request.policy)) is not None:
        return Rejected(0, "no_policy", unfit, "policy")
    event: dict[str, Any] = {
        "type": "tenant.policy_set",
        "occurred_at": context.received_at,
        "event_id": request.event_id,
        "data": request.model_dump(include={"by", "note"}, exclude_none=True) | {"policy": _whole(request.policy)},
    }
    outcome = validate_event(event, 0, context)
    return _in_its_words(outcome) if isinstance(outcome, Rejected) else outcome


def _whole(wished: dict[str, Any]) -> dict[str, Any]:
    """The whole policy; the region stays the tenant's own unless the request has one."""
    policy = Policy.from_json(wished).to_json()
    return policy if _REGION in wished else {name: part for name, part in policy.items() if name != _REGION}


def _in_its_words(outcome: Rejected) -> Rejected:
    return Rejected(0, outcome.reason, outcome.detail, outcome.field.removeprefix("data."))
