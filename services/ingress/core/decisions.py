"""What staff decide of two contacts, as they send it: an event of now, of the first contact.

Its id, where none is given, is made of what was decided and when: to decide the same again later is another decision.
"""

from typing import Any, Final

from schemas.codec import InvalidEvent
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, shown, validate_event

_FIELDS: Final = frozenset({"a", "b", "decision", "by", "note", "event_id"})
_RENAMED: Final = {"contact": "a", "data.other": "b", "data.decision": "decision", "data.by": "by", "data.note": "note"}
_KEY_PARTS: Final = 3


def validate_decision(raw: bytes, context: RequestContext) -> EventResult:
    """Accept the decision in a body, or say why not; nothing is raised, whatever the bytes."""
    try:
        said = parse(raw)
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    if not isinstance(said, dict):
        return Rejected(0, "not_an_object", "a decision is a JSON object")
    if unknown := said.keys() - _FIELDS:
        return Rejected(0, "unknown_field", f"a decision has {', '.join(sorted(_FIELDS))}", shown(min(unknown)))
    contacts: dict[str, Any] = {name: contact_of(said.get(name)) for name in ("a", "b")}
    for name, contact in contacts.items():
        if contact is None:
            return Rejected(0, "invalid_contact", "a contact is named by its key, channel:account:uid", name)
    if contacts["a"] == contacts["b"]:
        return Rejected(0, "same_contact", "a decision is about two contacts", "b")
    data = {name: said[name] for name in ("decision", "by", "note") if said.get(name) is not None}
    event = {
        "contact": contacts["a"],
        "type": "identity.decided",
        "occurred_at": context.received_at,
        "event_id": said.get("event_id"),
        "data": data | {"other": contacts["b"]},
    }
    outcome = validate_event(event, 0, context)
    return _in_its_words(outcome) if isinstance(outcome, Rejected) else outcome


def contact_of(key: Any) -> dict[str, str] | None:
    """The contact that a key names, with ``contact:`` before it or without; None where it names none."""
    parts = key.removeprefix("contact:").split(":", _KEY_PARTS - 1) if isinstance(key, str) else ()
    return dict(zip(("channel", "account", "uid"), parts, strict=True)) if len(parts) == _KEY_PARTS else None


def _in_its_words(outcome: Rejected) -> Rejected:
    """The refusal of the event as that of the decision."""
    for theirs, ours in _RENAMED.items():
        if outcome.field == theirs or outcome.field.startswith(f"{theirs}."):
            return Rejected(0, outcome.reason, outcome.detail, ours)
    return outcome
