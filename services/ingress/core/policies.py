"""A tenant's policy for identity resolution, as its administrators send it: an event of now, if it is a policy.

The event holds the policy whole, as it is today with the defaults laid under what was sent: should the defaults ever
change, the tenant's policy does not.
"""

from typing import Any, Final

from projections.identity.resolution.policy import InvalidPolicy, Policy
from schemas.codec import InvalidEvent
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, shown, validate_event

_FIELDS: Final = frozenset({"policy", "by", "note", "event_id"})
_REGION: Final = "default_region"


def validate_policy(raw: bytes, context: RequestContext) -> EventResult:
    """Accept the policy in a body, or say why not; nothing is raised, whatever the bytes."""
    try:
        said = parse(raw)
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    if not isinstance(said, dict):
        return Rejected(0, "not_an_object", "a policy comes in a JSON object with the field `policy`")
    if unknown := said.keys() - _FIELDS:
        return Rejected(0, "unknown_field", f"there are {', '.join(sorted(_FIELDS))}", shown(min(unknown)))
    wishes = said.get("policy")
    try:
        policy = _whole(wishes)
    except InvalidPolicy as error:
        return Rejected(0, "no_policy", str(error), "policy")
    data = {name: said[name] for name in ("by", "note") if said.get(name) is not None}
    event = {
        "type": "tenant.policy_set",
        "occurred_at": context.received_at,
        "event_id": said.get("event_id"),
        "data": data | {"policy": policy},
    }
    outcome = validate_event(event, 0, context)
    return _in_its_words(outcome) if isinstance(outcome, Rejected) else outcome


def _whole(wishes: Any) -> dict[str, Any]:
    """The whole policy; the region stays the tenant's own unless one is wished for."""
    policy = Policy.from_json(wishes).to_json()
    return policy if _REGION in wishes else {name: part for name, part in policy.items() if name != _REGION}


def _in_its_words(outcome: Rejected) -> Rejected:
    return Rejected(0, outcome.reason, outcome.detail, outcome.field.removeprefix("data."))
