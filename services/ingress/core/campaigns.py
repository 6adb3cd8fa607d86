"""The messages of one campaign to many contacts: one event for each contact, or for each message id of a contact.

A send is identified by its campaign and its ``send_id`` (by default the campaign's name), and writes to a contact once:
sending the list again, or listing a contact twice, gives the same events. Lines with different message ids are
different messages, though: each has an echo or a status of its own.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from projections.identity.resolution.contact_uids import with_one_uid
from schemas.events import ContactRef
from services.ingress.core.events import (
    DEFAULT_SOURCE,
    Accepted,
    Malformed,
    Rejected,
    RequestContext,
    shown,
    validate_event,
)
from services.ingress.core.normalize import Fields
from services.ingress.core.requests import Refused, contact_of
from services.ingress.core.statements import stem
from services.ingress.core.times import is_unread, millis_of

TERMS: Final = frozenset({"purpose", "agent", "text", "send_id", "sent_at"})
NAMING: Final = frozenset({"contact", "channel", "account", "uid"})
_ENTRY: Final = NAMING | {"text", "message_id"}


@dataclass(frozen=True, slots=True)
class Send:
    """What all messages of the send have in common, as it was sent; ``check`` validates it."""

    campaign: str
    purpose: Any = "broadcast"
    agent: Any = None
    text: Any = None
    send_id: Any = None
    sent_at: Any = None

    def amended(self, head: dict[str, Any]) -> "Send":
        """The send with the terms of its first line. Raises Refused."""
        return replace(self, **_only(head, TERMS, "a list's first line, if it names no contact,"))

    @property
    def named(self) -> str:
        """The id of the send."""
        return str(self.campaign if self.send_id is None else self.send_id)

    @property
    def unread(self) -> Fields:
        """The time where it can't be read: the messages keep it, and occur at the time of receipt."""
        return {"sent_at": self.sent_at} if is_unread(self.sent_at) else {}


def is_head(value: Any) -> bool:
    """Whether a list's first line is of the send, and not of a contact."""
    return isinstance(value, dict) and not value.keys() & NAMING


def check(send: Send, context: RequestContext) -> None:
    """Validate the fields that all messages share. Raises Refused, with the field of the send."""
    if send.send_id is not None and not (isinstance(send.send_id, str) and send.send_id):
        raise Refused("invalid_field", "a send id is text", "send_id")
    somebody = ContactRef(channel="web", account="any", uid="body")
    outcome = validate_event(_event(send, somebody.model_dump(), {}, context), 0, context)
    if isinstance(outcome, Rejected):
        raise Refused(outcome.reason, outcome.detail, outcome.field.removeprefix("data."))


def validate_entry(value: Any, number: int, send: Send, context: RequestContext) -> Accepted | Rejected:
    """The message to one contact of the list, or why there is none; nothing is raised, whatever was parsed."""
    if isinstance(value, Malformed):
        return Rejected(number, "malformed_line", value.detail)
    try:
        entry = _only(value, _ENTRY, "a line")
        contact = _contact(entry)
    except Refused as refusal:
        return Rejected(number, refusal.reason, refusal.detail, refusal.field)
    outcome = validate_event(_event(send, contact, entry, context), number, context)
    if isinstance(outcome, Rejected):
        return replace(outcome, field=outcome.field.removeprefix("data.").removeprefix("contact."))
    return outcome


def _event(send: Send, contact: dict[str, Any], entry: dict[str, Any], context: RequestContext) -> dict[str, Any]:
    own = {name: entry[name] for name in ("text", "message_id") if entry.get(name) is not None}
    named = [send.campaign, send.named, contact, *([own["message_id"]] if "message_id" in own else [])]
    data = {"purpose": send.purpose, "agent": send.agent, "campaign": send.campaign, "text": send.text} | own
    sent_at = millis_of(send.sent_at)
    if send.unread:
        data["payload"] = {"unread": send.unread}
    return {
        "event_id": stem("campaign", *named),
        "contact": contact,
        "type": "team.message_sent",
        "occurred_at": context.received_at if sent_at is None else sent_at,
        "source": DEFAULT_SOURCE,
        "data": data,
    }


def _contact(entry: dict[str, Any]) -> dict[str, Any]:
    parts = {name: entry[name] for name in ("channel", "account", "uid") if entry.get(name) is not None}
    value = entry.get("contact")
    if value is None:
        return with_one_uid(parts)
    if parts:
        raise Refused("invalid_contact", "a contact is named once: by contact, or channel, account and uid", "contact")
    contact = contact_of(value) if isinstance(value, str) else value
    if not isinstance(contact, dict):
        raise Refused("invalid_contact", "a contact is named by its key, channel:account:uid", "contact")
    return with_one_uid(contact)


def _only(value: Any, fields: frozenset[str], what: str) -> dict[str, Any]:
    """The parsed value, if it is an object of these fields alone. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused("not_an_object", f"{what} is a JSON object")
    if unknown := value.keys() - fields:
        raise Refused("unknown_field", f"{what} has {', '.join(sorted(fields))}", shown(min(unknown)))
    return value
