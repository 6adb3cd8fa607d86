"""What the team does to one contact, as it says so: each command becomes events of now.

Without an ``Idempotency-Key`` a command said again later is another one.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, get_args

from schemas.codec import InvalidEvent
from schemas.events.subscription import MarketingKind
from services.ingress.core.decisions import contact_of
from services.ingress.core.events import DEFAULT_SOURCE, Rejected, RequestContext, parse
from services.ingress.core.statements import (
    MOST_ATTRIBUTES,
    Envelope,
    EventDraft,
    Refused,
    Statement,
    attribute,
    identifiers,
    listed,
    only,
    state,
    stem,
    tagging,
)

Command = Literal["unsubscribe", "resubscribe", "tags", "attributes", "unbind"]
EVERY_KIND: Final = get_args(MarketingKind)
Contact = dict[str, str]


def validate_command(
    command: Command, contact: Contact, raw: bytes, context: RequestContext, key: str | None
) -> Statement | Rejected:
    """The events of a command and its body, or why there are none; nothing is raised, whatever the bytes."""
    try:
        said = parse(raw) if raw.strip() else {}
        drafts = list(_DRAFTS[command](said))
        if not drafts:
            raise Refused("nothing_said", "the command changes nothing")  # noqa: TRY301 - told as every other refusal
        once = ("key", key) if key is not None else ("received_at", context.received_at)
        envelope = Envelope(contact, context.received_at, stem(command, *once, contact, said), DEFAULT_SOURCE, [])
        return state(drafts, envelope, 0, context)
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)


def _marketing(type_name: str) -> Callable[[Any], Iterator[EventDraft]]:
    def drafts(said: Any) -> Iterator[EventDraft]:
        body = only(said, frozenset({"kinds", "by"}), "this command")
        kinds = body.get("kinds")
        yield EventDraft(
            type_name, {"kinds": list(EVERY_KIND) if kinds is None else kinds, "by": body.get("by")}, "kinds"
        )

    return drafts


def _tags(said: Any) -> Iterator[EventDraft]:
    body = only(said, frozenset({"add", "remove", "source"}), "this command")
    source = body.get("source")
    lists = {name: body[name] for name in ("add", "remove") if name in body}
    yield from tagging(lists, "", DEFAULT_SOURCE if source is None else source)


def _attributes(said: Any) -> Iterator[EventDraft]:
    body = only(said, frozenset({"set", "unset"}), "this command")
    values = body.get("set") or {}
    if not isinstance(values, dict) or len(values) > MOST_ATTRIBUTES:
        raise Refused("invalid_field", f"this is an object of at most {MOST_ATTRIBUTES} keys with their values", "set")
    for number, key in enumerate(listed(body.get("unset"), "unset", MOST_ATTRIBUTES)):
        yield EventDraft("attribute.unset", {"key": key}, f"unset.{number}")
    for key, value in values.items():
        yield attribute(key, value, "set")


def _unbind(said: Any) -> Iterator[EventDraft]:
    """The contact is not who an identifier or another contact says; both assurances are taken back."""
    body = only(said, frozenset({"identifiers", "linked_contact", "by", "note"}), "this command")
    if body.get("by") is None:
        raise Refused("invalid_field", "whoever unbinds says who they are", "by")
    data = {"via": "api", "by": body["by"], "note": body.get("note")}
    if found := identifiers(body.get("identifiers"), "identifiers"):
        yield EventDraft("identity.unbound", data | {"identifiers": found}, "identifiers")
    linked = body.get("linked_contact")
    if linked is not None:
        other = contact_of(linked) if isinstance(linked, str) else linked
        if other is None:
            raise Refused("invalid_contact", "a contact is named by its key, channel:account:uid", "linked_contact")
        yield EventDraft("identity.unbound", data | {"linked_contact": other}, "linked_contact")


_DRAFTS: Final[dict[Command, Callable[[Any], Iterator[EventDraft]]]] = {
    "unsubscribe": _marketing("marketing.opted_out"),
    "resubscribe": _marketing("marketing.opted_in"),
    "tags": _tags,
    "attributes": _attributes,
    "unbind": _unbind,
}
