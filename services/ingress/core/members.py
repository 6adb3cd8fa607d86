"""A CRM's member records: each becomes events of a contact on the channel ``crm``, its member id intrinsic to all.

A record is what the CRM knows now, as far as it says: a field that is left out, null or empty says nothing. So a phone
that is no longer the member's has to be named, as ``previous_phone`` or in ``unbind``: ingress keeps no records that
could tell it. Only an attribute's null takes the attribute away.

Two records are the same statement, and the second is absorbed, when they say the same and have the same ``event_id``,
else the same ``Idempotency-Key`` and place in its request, else the same ``updated_at``. Without any of them a record
is of the moment it came in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.ingress.core.events import Malformed, Rejected, RequestContext
from services.ingress.core.statements import (
    MOST_ATTRIBUTES,
    Envelope,
    EventDraft,
    Refused,
    Statement,
    attribute,
    identifiers,
    only,
    state,
    stem,
    tagging,
)

DEFAULT_ACCOUNT: Final = "crm"
_PROFILE: Final = ("display_name", "avatar", "locale")
_OURS: Final = frozenset({"member_id", "account", "event_id", "updated_at", "via"})
_IDENTITY: Final = frozenset({"phone", "email", "identifiers", "previous_phone", "previous_email", "unbind"})
FIELDS: Final = _OURS | _IDENTITY | frozenset(_PROFILE) | {"tags", "attributes"}
_RENAMED: Final = {
    "contact.account": "account",
    "contact.uid": "member_id",
    "source": "account",
    "occurred_at": "updated_at",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request says for all of its records."""

    account: str = DEFAULT_ACCOUNT
    key: str | None = None  # the Idempotency-Key
    member_id: str | None = None  # the one in the path


def validate_member(said: Any, index: int, context: RequestContext, terms: Terms) -> Statement | Rejected:
    """The events of a parsed record, or why there are none; nothing is raised, whatever was parsed."""
    if isinstance(said, Malformed):
        return Rejected(index, "not_json", said.detail)
    try:
        record = only(said, FIELDS, "a member")
        return state(_drafts(record), _envelope(record, index, context, terms), index, context)
    except Refused as refusal:
        return Rejected(index, refusal.reason, *_in_its_words(refusal))


def _in_its_words(refusal: Refused) -> tuple[str, str]:
    """What is wrong with an event, as of its record: detail and field."""
    for theirs, ours in _RENAMED.items():
        if refusal.field == theirs or refusal.field.startswith(f"{theirs}."):
            return refusal.detail.replace(theirs, ours), ours
    return refusal.detail, refusal.field


def _envelope(record: dict[str, Any], index: int, context: RequestContext, terms: Terms) -> Envelope:
    member_id, account = _member_id(record, terms), record.get("account") or terms.account
    contact = {"channel": "crm", "account": account, "uid": member_id}
    updated_at = record.get("updated_at")
    return Envelope(
        contact,
        context.received_at if updated_at is None else updated_at,
        _stem(record, contact, index, context, terms),
        account,
        [{"type": "member_id", "value": member_id}],
    )


def _stem(record: dict[str, Any], contact: dict[str, Any], index: int, context: RequestContext, terms: Terms) -> str:
    event_id, updated_at = record.get("event_id"), record.get("updated_at")
    if event_id is not None:
        if not isinstance(event_id, str) or not event_id:
            raise Refused("invalid_field", "an event id is text", "event_id")
        return stem("crm", "event_id", event_id, contact, record)
    if terms.key is not None:
        return stem("crm", "key", terms.key, contact, record, place=index)
    if updated_at is not None:
        return stem("crm", "updated_at", contact, record)
    return stem("crm", "received_at", context.received_at, contact, record, place=index)


def _member_id(record: dict[str, Any], terms: Terms) -> str:
    said = record.get("member_id")
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    elif said is not None and not isinstance(said, str):
        raise Refused("invalid_field", "a member id is text", "member_id")
    path = None if terms.member_id is None else terms.member_id.strip()
    member_id = path if said is None else said.strip()
    if not member_id:
        raise Refused("invalid_field", "a member has a member id", "member_id")
    if path is not None and member_id != path:
        raise Refused("wrong_member", "the record names another member than the path", "member_id")
    return member_id


def _drafts(record: dict[str, Any]) -> list[EventDraft]:
    drafts = [*_identity(record), *_profile(record), *tagging(record.get("tags"), "tags", "crm"), *_attributes(record)]
    return drafts or [EventDraft("profile.updated", {}, "")]  # that there is such a member


def _identity(record: dict[str, Any]) -> Iterator[EventDraft]:
    """What the contact no longer has comes first, so that what it has counts."""
    via = record.get("via") or "api"
    if via not in ("api", "import"):
        raise Refused("invalid_field", "a record comes via api or import", "via")
    gone = [*_previous(record), *_allowed(record.get("unbind"), "unbind")]
    if gone:
        yield EventDraft("identity.unbound", {"identifiers": gone, "via": via}, "unbind")
    here = [*_reachable(record), *_allowed(record.get("identifiers"), "identifiers")]
    if here:
        yield EventDraft("identity.bound", {"identifiers": here, "via": via}, "identifiers")


def _previous(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("phone", "email"):
        value = _value(record.get(f"previous_{name}"), f"previous_{name}")
        if value:
            yield {"type": name, "value": value}


def _reachable(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("phone", "email"):
        said, verified = record.get(name), False
        if isinstance(said, dict):
            verified = said.get("verified", False)
            if said.keys() - {"value", "verified"} or not isinstance(verified, bool):
                raise Refused("invalid_field", "this is text, or {value, verified: true or false}", name)
            said = said.get("value")
        if value := _value(said, name):
            yield {"type": name, "value": value, "assurance": "verified" if verified else "claimed"}


def _value(said: Any, field: str) -> str:
    if said is None:
        return ""
    if isinstance(said, int) and not isinstance(said, bool):  # a phone as a spreadsheet has it
        return str(said)
    if not isinstance(said, str):
        raise Refused("invalid_field", "this is text", field)
    return said.strip()


def _allowed(said: Any, field: str) -> list[dict[str, Any]]:
    """A member's own id is intrinsic: it is neither claimed nor taken back."""
    found = identifiers(said, field)
    for number, one in enumerate(found):
        if one.get("type") == "member_id":
            raise Refused("invalid_field", "the record's own member id is its only one", f"{field}.{number}")
    return found


def _profile(record: dict[str, Any]) -> Iterator[EventDraft]:
    said = {name: record[name] for name in _PROFILE if record.get(name) not in (None, "")}
    for name, value in said.items():
        if not isinstance(value, str):
            raise Refused("invalid_field", "this is text", name)
    if said:
        yield EventDraft("profile.updated", said, "display_name")


def _attributes(record: dict[str, Any]) -> list[EventDraft]:
    said = record.get("attributes")
    if said is None:
        return []
    if not isinstance(said, dict):
        raise Refused("invalid_field", "attributes are an object, a key to its value", "attributes")
    if len(said) > MOST_ATTRIBUTES:
        raise Refused("too_many", f"at most {MOST_ATTRIBUTES} are taken at once", "attributes")
    return [attribute(key, value, "attributes") for key, value in said.items()]
