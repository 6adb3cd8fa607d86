"""Identity events written briefly: ``bound("web:shop:c1", member_id="M7", at=2)``."""

from itertools import count
from typing import Any, Final

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import log_of
from schemas.codec import from_dict
from schemas.events import Event

T0: Final = 1_735_660_800_000
_numbers = count(1)


def event(contact: str | None, type_name: str, data: dict[str, Any], **more: Any) -> Event:
    """An event ``at`` ms after the beginning; its id is new unless it is given."""
    at = T0 + more.pop("at", 0)
    return from_dict(
        {
            "event_id": f"n{next(_numbers):06d}",
            "tenant": "demo",
            "contact": ref(contact) if contact else None,
            "type": type_name,
            "occurred_at": at,
            "received_at": at,
            "source": "test",
            "data": data,
        }
        | more
    )


def ref(contact: str) -> dict[str, str]:
    channel, account, uid = contact.split(":", 2)
    return {"channel": channel, "account": account, "uid": uid}


def bound(contact: str, /, *, at: int = 0, assurance: str = "verified", **identifiers: Any) -> Event:
    """Assert ``identifiers``, a value or a list by type, and ``link``, a contact key; ``event_id`` may be given."""
    return _binding("identity.bound", contact, at, assurance, identifiers)


def unbound(contact: str, /, *, at: int = 0, **identifiers: Any) -> Event:
    """Retract ``identifiers``, and ``link``."""
    return _binding("identity.unbound", contact, at, None, identifiers)


def stated(contact: str, /, *, at: int = 0, **identifiers: Any) -> Event:
    """``bound`` by the brand's own systems."""
    return bound(contact, at=at, assurance="stated", **identifiers)


def claimed(contact: str, /, *, at: int = 0, **identifiers: Any) -> Event:
    """``bound`` by the public."""
    return bound(contact, at=at, assurance="claimed", **identifiers)


def seen(contact: str, /, *, at: int = 0, **intrinsic: str) -> Event:
    """A message with intrinsic identifiers."""
    vouched = [{"type": name, "value": value} for name, value in intrinsic.items()]
    return event(contact, "message.received", {"message_id": "m", "kind": "text"}, at=at, intrinsic=vouched)


def decided(one: str, other: str, decision: str, *, at: int = 0, **more: Any) -> Event:
    return event(one, "identity.decided", {"other": ref(other), "decision": decision, "by": "amy"}, at=at, **more)


def merged(member_id: str, into: str | None, *, at: int = 0, **more: Any) -> Event:
    """The member id is now ``into``; ``into`` None takes that back."""
    return event(None, "member.merged", {"member_id": member_id, "into": into}, at=at, **more)


def erased(contact: str, *, at: int = 0, **more: Any) -> Event:
    return event(contact, "contact.erased", {"request_id": "r1"}, at=at, **more)


def resolved(*events: Event, **policy: Any) -> Resolution:
    """The resolution by the default policy, but for the settings in ``policy``."""
    return resolve(evidence_in(log_of(events)), Policy.from_json(policy))


def groups(*events: Event, **policy: Any) -> list[set[str]]:
    """The contacts of each customer, by founder."""
    return [set(customer.contacts) for customer in resolved(*events, **policy).customers]


def refusals(*events: Event, **policy: Any) -> list[tuple[str, str, str]]:
    """(contact, type, reason) of each refused link."""
    return [(one.link.node[0], one.link.type, one.reason) for one in resolved(*events, **policy).refused]


def _binding(type_name: str, contact: str, at: int, assurance: str | None, given: dict[str, Any]) -> Event:
    more = {name: given.pop(name) for name in ("event_id", "intrinsic") if name in given}
    linked = given.pop("link", None)
    identifiers = [
        {"type": name, "value": value} | ({"assurance": assurance} if assurance else {})
        for name, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    data = {"identifiers": identifiers, "linked_contact": ref(linked) if linked else None}
    return event(contact, type_name, data, at=at, **more)
