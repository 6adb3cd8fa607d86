"""A CRM's member records: each becomes events of a contact on channel ``crm``, whose member id is intrinsic.

What a record says of the member is stated, or verified where the record says that it was checked.

A field that is left out, null or empty says nothing. So a phone that is no longer the member's must be named, as
``previous_phone`` or in ``unbind``: ingress stores no records to compare with. Only for an attribute, null removes it.

Two records are the same statement, and the second is ignored, if their content is the same and they have the same
``event_id``; without one, the same ``Idempotency-Key`` and position in the request; without that, the same
``updated_at``. A record without any of these occurs at the time of receipt. So does one whose ``updated_at`` can't be
read: an event of type ``crm.member`` keeps it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from projections.identity.resolution.contact_values import contact_values
from schemas.events.base import Frozen, Text
from services.ingress.core.events import Malformed, Rejected, RequestContext
from services.ingress.core.normalize import Fields
from services.ingress.core.requests import (
    AttributeValues,
    MemberIdentifierList,
    ReachInput,
    Refused,
    TagChanges,
    TextOrNumber,
    TimeInput,
    read,
)
from services.ingress.core.statements import (
    AcceptedItem,
    Envelope,
    EventDraft,
    attribute_drafts,
    identifier_data,
    identifiers_as_sent,
    stem,
    tag_drafts,
    to_statement,
    unread_dates,
)
from services.ingress.core.times import is_unread

DEFAULT_ACCOUNT: Final = "crm"
KEPT: Final = "crm.member"  # the type of an event that keeps the record's words of what was read otherwise, or not
_RENAMED: Final = {
    "contact.account": "account",
    "contact.uid": "member_id",
    "source": "account",
    "occurred_at": "updated_at",
}
MemberVia = Annotated[
    Literal["api", "import"] | None,
    BeforeValidator(lambda value: value or None, json_schema_input_type=Literal["api", "import"] | None),
]


class Member(Frozen):
    """What a CRM knows of a member now. A field that is left out, null or empty changes nothing."""

    member_id: TextOrNumber | None = Field(None, description="Needed unless the path names it.")
    account: str | None = Field(None, description="The CRM's name, before the request's.")
    event_id: str | None = Field(None, min_length=1, description="Your own id of this statement.")
    updated_at: TimeInput = Field(None, description="Since when it is so: a time since 1970, or of ISO 8601; UTC.")
    via: MemberVia = None
    display_name: Text | None = None
    avatar: Text | None = None
    locale: Text | None = None
    phone: ReachInput | None = None
    email: ReachInput | None = None
    previous_phone: TextOrNumber | None = Field(None, description="The former one, to be taken back.")
    previous_email: TextOrNumber | None = Field(None, description="The former one, to be taken back.")
    identifiers: MemberIdentifierList | None = None
    unbind: MemberIdentifierList | None = Field(None, description="What is the member's no longer.")
    tags: TagChanges | None = None
    attributes: AttributeValues | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request sets for all of its records."""

    account: str = DEFAULT_ACCOUNT
    key: str | None = None  # the Idempotency-Key
    member_id: str | None = None  # the one in the path


def validate_member(body: Any, index: int, context: RequestContext, terms: Terms) -> AcceptedItem | Rejected:
    """The events of a parsed record, or why there are none; nothing is raised, whatever was parsed."""
    if isinstance(body, Malformed):
        return Rejected(index, body.reason, body.detail)
    try:
        member = read(Member, body, "a member")
        unread = {"updated_at": body["updated_at"]} if is_unread(body.get("updated_at")) else {}
        envelope = _envelope(member, body, index, context, terms)
        left = unread | unread_dates(member.attributes, "attributes")
        return to_statement(_drafts(member, unread), envelope, index, context, left)
    except Refused as refusal:
        return Rejected(index, refusal.reason, *_in_its_words(refusal))


def _in_its_words(refusal: Refused) -> tuple[str, str]:
    """Detail and field of an event's refusal, with the names of the record's fields."""
    for theirs, ours in _RENAMED.items():
        if refusal.field == theirs or refusal.field.startswith(f"{theirs}."):
            return refusal.detail.replace(theirs, ours), ours
    return refusal.detail.replace("occurred_at", "updated_at"), refusal.field


def _envelope(member: Member, body: dict[str, Any], index: int, context: RequestContext, terms: Terms) -> Envelope:
    member_id, account = _member_id(member, terms), member.account or terms.account
    contact = {"channel": "crm", "account": account, "uid": member_id}
    return Envelope(
        contact,
        context.received_at if member.updated_at is None else member.updated_at,
        _stem(member, body, contact, index, context, terms),
        account,
        [{"type": "member_id", "value": member_id}],
    )


def _stem(  # noqa: PLR0913, PLR0917 - all that an id may be made of
    member: Member, body: dict[str, Any], contact: dict[str, str], index: int, context: RequestContext, terms: Terms
) -> str:
    if member.event_id is not None:
        return stem("crm", "event_id", member.event_id, contact, body)
    if terms.key is not None:
        return stem("crm", "key", terms.key, contact, body, place=index)
    if member.updated_at is not None:
        return stem("crm", "updated_at", contact, body)
    return stem("crm", "received_at", context.received_at, contact, body, place=index)


def _member_id(member: Member, terms: Terms) -> str:
    path = None if terms.member_id is None else terms.member_id.strip()
    member_id = path if member.member_id is None else member.member_id
    if not member_id:
        raise Refused("invalid_field", "a member has a member id", "member_id")
    if path is not None and member_id != path:
        raise Refused("wrong_member", "the record names another member than the path", "member_id")
    return member_id


def _drafts(member: Member, unread: Fields) -> list[EventDraft]:
    drafts = [
        *_identity(member),
        *_profile(member),
        *tag_drafts(member.tags, "tags.", "crm"),
        *attribute_drafts(member.attributes, "attributes"),
    ]
    words = {name: kept for name, kept in (("unread", unread), ("as_sent", _as_sent(member))) if kept}
    if words:
        drafts.append(EventDraft(KEPT, words, ""))
    return drafts or [EventDraft("profile.updated", {}, "")]  # that there is such a member


def _identity(member: Member) -> Iterator[EventDraft]:
    """Removals come first, so that an identifier that is both removed and added stays."""
    via = member.via or "api"
    gone = [*_previous(member), *identifier_data(member.unbind)]
    if gone:
        yield EventDraft("identity.unbound", {"identifiers": gone, "via": via}, "unbind")
    here = [*_reachable(member), *identifier_data(member.identifiers)]
    if here:
        yield EventDraft("identity.bound", {"identifiers": here, "via": via}, "identifiers")


def _previous(member: Member) -> Iterator[dict[str, Any]]:
    for name, text in (("phone", member.previous_phone), ("email", member.previous_email)):
        for value in contact_values(name, text) if text else ():
            yield {"type": name, "value": value}


def _reachable(member: Member) -> Iterator[dict[str, Any]]:
    for name, reach in (("phone", member.phone), ("email", member.email)):
        if reach and reach.value and (text := reach.value.strip()):
            for value in contact_values(name, text):
                yield {"type": name, "value": value, "assurance": "verified" if reach.verified else "stated"}


def _as_sent(member: Member) -> Fields:
    """By field, the texts that differ from the values read in them."""
    texts = (
        ("phone", "phone", member.phone and member.phone.value),
        ("email", "email", member.email and member.email.value),
        ("previous_phone", "phone", member.previous_phone),
        ("previous_email", "email", member.previous_email),
    )
    whole = {
        field: text for field, kind, text in texts if text and contact_values(kind, text.strip()) != (text.strip(),)
    }
    listed = ((member.identifiers, "identifiers"), (member.unbind, "unbind"))
    return whole | {name: text for ones, field in listed for name, text in identifiers_as_sent(ones, field).items()}


def _profile(member: Member) -> Iterator[EventDraft]:
    fields = {"display_name": member.display_name, "avatar": member.avatar, "locale": member.locale}
    known = {name: value for name, value in fields.items() if value}
    if known:
        yield EventDraft("profile.updated", known, "display_name")
