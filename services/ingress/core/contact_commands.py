"""Commands of the team about one contact: each becomes events that occur now.

Without an ``Idempotency-Key``, a command that is sent again later is a new command.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Text, Word
from schemas.events.profile import AttributeKey
from schemas.events.subscription import MarketingKind
from services.ingress.core.events import DEFAULT_SOURCE, Rejected, RequestContext, parse
from services.ingress.core.requests import (
    MOST_ATTRIBUTES,
    AttributeValues,
    ContactFromKeyOrParts,
    IdentifierList,
    Refused,
    TagChanges,
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

KEPT: Final = "api.unbind"  # the type of an event that keeps a command's words of what was read otherwise
EVERY_KIND: Final = get_args(MarketingKind)
Command = Literal["unsubscribe", "resubscribe", "tags", "attributes", "unbind"]
ContactFields = dict[str, str]


class MarketingCommand(Frozen):
    """Opts the contact out of kinds of marketing, or in to them."""

    kinds: Annotated[list[MarketingKind], Field(min_length=1)] | None = Field(None, description="Left out: all.")
    by: Word | None = None


class TagsCommand(TagChanges):
    """Tags the contact, and removes tags."""

    source: Word | None = None


class AttributesCommand(Frozen):
    """Sets and unsets the contact's attributes."""

    set: AttributeValues | None = None
    unset: Annotated[list[AttributeKey], Field(max_length=MOST_ATTRIBUTES)] | None = None


class UnbindCommand(Frozen):
    """Takes identifiers back from the contact, or its link to another contact."""

    identifiers: IdentifierList | None = None
    linked_contact: ContactFromKeyOrParts | None = None
    by: Word = Field(description="Who says so.")
    note: Text | None = Field(None, description="Why.")


BODIES: Final[dict[Command, type[Frozen]]] = {
    "unsubscribe": MarketingCommand,
    "resubscribe": MarketingCommand,
    "tags": TagsCommand,
    "attributes": AttributesCommand,
    "unbind": UnbindCommand,
}


def validate_command(
    command: Command, contact: ContactFields, raw: bytes, context: RequestContext, key: str | None
) -> AcceptedItem | Rejected:
    """The events of a command and its body, or why there are none; nothing is raised, whatever the bytes."""
    try:
        body = parse(raw) if raw.strip() else {}
        drafts = list(_DRAFTS[command](body))
        if not drafts:
            raise Refused("nothing_said", "the command changes nothing")  # noqa: TRY301 - told as every other refusal
        once = ("key", key) if key is not None else ("received_at", context.received_at)
        envelope = Envelope(contact, context.received_at, stem(command, *once, contact, body), DEFAULT_SOURCE, [])
        values = read(AttributesCommand, body, _WHAT).set if command == "attributes" else None
        return to_statement(drafts, envelope, 0, context, unread_dates(values, "set"))
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)


def _marketing(type_name: str) -> Callable[[Any], Iterator[EventDraft]]:
    def drafts(body: Any) -> Iterator[EventDraft]:
        command = read(MarketingCommand, body, _WHAT)
        kinds = list(EVERY_KIND) if command.kinds is None else command.kinds
        yield EventDraft(type_name, {"kinds": kinds, "by": command.by}, "kinds")

    return drafts


def _tags(body: Any) -> Iterator[EventDraft]:
    command = read(TagsCommand, body, _WHAT)
    yield from tag_drafts(command, "", command.source or DEFAULT_SOURCE)


def _attributes(body: Any) -> Iterator[EventDraft]:
    command = read(AttributesCommand, body, _WHAT)
    for number, key in enumerate(command.unset or ()):
        yield EventDraft("attribute.unset", {"key": key}, f"unset.{number}")
    yield from attribute_drafts(command.set, "set")


def _unbind(body: Any) -> Iterator[EventDraft]:
    """The ``identity.unbound`` events; statements of any assurance are taken back."""
    command = read(UnbindCommand, body, _WHAT)
    data = {"via": "api", "by": command.by, "note": command.note}
    if command.identifiers:
        found = identifier_data(command.identifiers)
        yield EventDraft("identity.unbound", data | {"identifiers": found}, "identifiers")
    if command.linked_contact is not None:
        other = command.linked_contact.model_dump()
        yield EventDraft("identity.unbound", data | {"linked_contact": other}, "linked_contact")
    if as_sent := identifiers_as_sent(command.identifiers, "identifiers"):
        yield EventDraft(KEPT, {"as_sent": as_sent}, "identifiers")


_WHAT: Final = "this command"
_DRAFTS: Final[dict[Command, Callable[[Any], Iterator[EventDraft]]]] = {
    "unsubscribe": _marketing("marketing.opted_out"),
    "resubscribe": _marketing("marketing.opted_in"),
    "tags": _tags,
    "attributes": _attributes,
    "unbind": _unbind,
}
