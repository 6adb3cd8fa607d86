"""A website's messages of Segment's API to canonical events, each by itself, whatever it contains.

*The contact.* A visitor is the contact ``web:<account>:<anonymousId>``. A message with a ``userId`` only comes from a
server that knows the member but no browser: its contact is ``user:<userId>``. An ``anonymousId`` that begins with
``user:`` or ``anon:`` is prefixed with ``anon:``, so that no visitor can pose as such a contact.

*Logins.* ``identify`` with a ``userId`` is a login, claimed each time at its own time, since the latest login counts.
Any other message with a ``userId`` claims the same (SDKs put it on all messages), but once a day: the event's id is
derived from the claim and the day, so all repeats of a day are one event, and a process that remembers having sent it
may skip it.

*Assurance.* Everybody can read a write key in the web pages, so all that comes with it is claimed: the user id as well
as e-mail, phone and external ids.

What no reader takes stays in the data of one of the message's events; device and network are left out. The ids of the
events of one message begin with what they are, so that one ``messageId`` gives several events, and a repeat gives the
same ones.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

import orjson

from schemas.codec import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from services.ingress.core.normalize import MAX_WORD, Fields, clean, content_hash_id, word
from services.ingress.core.rudderstack import in_segment_words
from services.ingress.core.stated_values import ValueWarning, unread
from services.ingress.core.translated import Ignored, Translated, to_event
from services.ingress.core.web_context import kept_context
from services.ingress.core.web_identity import identifiers_of, member_id_in, usable_id, written_otherwise
from services.ingress.core.web_times import time_of
from services.ingress.core.web_traits import attributes_of, profile_of

MAX_MESSAGE_BYTES: Final = 32_768
DAILY_PREFIX: Final = "web:day:"
_DAY_MS: Final = 86_400_000
_LONGEST_MESSAGE_ID: Final = 128
_LONGEST_TYPE: Final = 100
_KNOWN: Final = "user:"
_ESCAPED: Final = "anon:"
_LONGEST_ID: Final = MAX_WORD - len(_KNOWN)
_NUL: Final = b"\\u0000"
_SURELY_SHALLOW: Final = 40
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What may differ when the same message comes again.
_FLEETING: Final = frozenset({"sentAt", "receivedAt", "writeKey", "_metadata", "messageId", "type"})
_IN_THE_ENVELOPE: Final = _FLEETING | {
    "timestamp", "originalTimestamp", "anonymousId", "userId", "context", "integrations", "channel", "version",
    "request_ip",
}  # fmt: skip

_VIEW: Final = frozenset({"name", "category", "properties"})
# The fields that the reader of a kind takes.
_TAKEN: Final = {
    "identify": frozenset({"traits"}),
    "track": frozenset({"event", "properties"}),
    "page": _VIEW,
    "screen": _VIEW,
    "alias": frozenset({"previousId"}),
}
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])


@dataclass(frozen=True, slots=True)
class Site:
    """A tenant's website, and what its source and the request's write key say of it.

    ``rate`` is the source's own limit of messages a second, if it is set. ``assurance`` is that of whatever the write
    key sends: a public key claims, a server's key states. By each of ``login_secrets`` a login may be signed; with
    ``signed_only``, a public key's login without a signature is none.
    """

    tenant: str
    source: str
    account: str
    rate: float | None = None
    assurance: Literal["stated", "claimed"] = "claimed"
    login_secrets: tuple[str, ...] = ()
    signed_only: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the messages of one body share; ``call`` is their type, where the path names it."""

    received_at: int
    sent_at: Any = None
    context: Any = None
    call: str | None = None


class MessageDraft(NamedTuple):
    """One event of a message: what of it, its type and data, and whose it is if not the message's own contact's."""

    label: str
    type: str
    data: Fields
    contact: Fields | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    fields: Fields
    context: Fields
    kind: str
    site: Site
    contact: Fields
    user_id: str | None
    at: int | None
    unread: Fields  # by field, what can't be read
    as_sent: Fields  # by field, the text of what was read otherwise than it was written

    def object(self, name: str) -> Fields | None:
        """The object of that name, an empty one if it is missing; None if the value is no object."""
        value = self.fields.get(name)
        return {} if value is None else value if isinstance(value, dict) else None


def translate(messages: Sequence[Any], site: Site, delivery: Delivery, start: int = 0) -> Translated:
    """The events of each message, in order, and the messages that became none; ``start`` is the first one's index."""
    delivery = replace(delivery, context=clean(delivery.context) if isinstance(delivery.context, dict) else {})
    events: list[Event] = []
    ignored: list[Ignored] = []
    warnings: list[ValueWarning] = []
    for index, message in enumerate(messages, start):
        outcome = _translate(message, site, delivery, index)
        if isinstance(outcome, str):
            ignored.append(Ignored(index, outcome))
        else:
            events.extend(outcome.events)
            warnings.extend(outcome.warnings)
    return Translated(tuple(events), tuple(ignored), tuple(warnings))


def _translate(given: Any, site: Site, delivery: Delivery, index: int) -> Translated | str:
    """The message's events, or the reason why there are none."""
    if not isinstance(given, dict):
        return "not_an_object"
    fields, size = _cleaned(given)
    if size > MAX_MESSAGE_BYTES:
        return "too_large"
    message = _read(fields, site, delivery)
    if message is None:
        return "no_id"
    message_id = _message_id(message, delivery, index)
    try:
        events = [_event(draft, message, message_id, delivery) for draft in _keeping_rest(_drafts(message), message)]
    except InvalidEvent as error:
        return error.reason
    contact = ":".join(message.contact.values())
    return Translated(tuple(events), (), tuple(unread(contact, name, value) for name, value in message.unread.items()))


def _cleaned(given: Fields) -> tuple[Fields, int]:
    """The message as it can be kept, and its size. Nearly all are clean, which writing and reading them shows."""
    try:
        raw = orjson.dumps(given)
        if _NUL not in raw and raw.count(b"{") + raw.count(b"[") <= _SURELY_SHALLOW:
            return orjson.loads(raw), len(raw)
    except orjson.JSONEncodeError:
        pass  # what no JSON can hold, such as half a character
    cleaned = clean(given)
    return cleaned, len(orjson.dumps(cleaned))


def _read(fields: Fields, site: Site, delivery: Delivery) -> _Message | None:
    own = fields.get("context")
    context = delivery.context | own if isinstance(own, dict) else delivery.context
    kind = delivery.call or word(fields.get("type")) or "unknown"
    fields, context = in_segment_words(kind, fields, context)
    anonymous_id = usable_id(fields.get("anonymousId"), _LONGEST_ID)
    user_id = usable_id(fields.get("userId"), _LONGEST_ID) or member_id_in(context, _LONGEST_ID)
    if anonymous_id is None and kind == "alias":
        anonymous_id = usable_id(fields.get("previousId"), _LONGEST_ID)
    if anonymous_id is not None:
        contact = _visitor(site, anonymous_id)
    elif user_id is not None:
        contact = {"channel": "web", "account": site.account, "uid": _KNOWN + user_id}
    else:
        return None
    at, no_times = time_of(fields, delivery.sent_at, delivery.received_at)
    as_sent, no_values = written_otherwise(context.get("traits"), fields.get("traits"))
    return _Message(fields, context, kind, site, contact, user_id, at, no_times | no_values, as_sent)


def _visitor(site: Site, anonymous_id: str) -> Fields:
    uid = _ESCAPED + anonymous_id if anonymous_id.startswith((_KNOWN, _ESCAPED)) else anonymous_id
    return {"channel": "web", "account": site.account, "uid": uid}


def _message_id(message: _Message, delivery: Delivery, index: int) -> str:
    """The message's own id, else a hash of its content; if it has no time, also of when it came and its index."""
    fields = message.fields
    given = usable_id(fields.get("messageId"), _LONGEST_MESSAGE_ID)
    if given is not None:
        return given
    content: Fields = {name: value for name, value in fields.items() if name not in _FLEETING}
    place = [delivery.received_at, index] if message.at is None else []
    return content_hash_id([message.site.account, message.kind, content, place])


def _event(draft: MessageDraft, message: _Message, message_id: str, delivery: Delivery) -> Event:
    site, occurred_at = message.site, delivery.received_at if message.at is None else message.at
    return to_event(
        {
            "event_id": f"web:{draft.label}:{message_id}" if draft.label else _day_id(draft, message, occurred_at),
            "tenant": site.tenant,
            "contact": draft.contact or message.contact,
            "type": draft.type,
            "occurred_at": occurred_at,
            "received_at": delivery.received_at,
            "source": site.source,
            "intrinsic": [],
            "data": draft.data,
        }
    )


def _day_id(draft: MessageDraft, message: _Message, at: int) -> str:
    login = [message.contact["account"], message.contact["uid"], draft.data["identifiers"], at // _DAY_MS]
    return DAILY_PREFIX + sha256(orjson.dumps(login, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]


def _drafts(message: _Message) -> list[MessageDraft]:
    reader = _READERS.get(message.kind)
    drafts = reader(message) if reader else None
    if drafts is not None:
        return drafts
    return [*_standing(message), MessageDraft("kept", _kept_as(message.kind), _rest(message))]


def _keeping_rest(drafts: list[MessageDraft], message: _Message) -> list[MessageDraft]:
    """The drafts, of which one keeps what no reader takes, and the words of what was not read, or read otherwise."""
    rest = _untaken(message)
    words = {name: kept for name, kept in (("unread", message.unread), ("as_sent", message.as_sent)) if kept}
    if not rest and not words:
        return drafts
    *others, last = drafts
    if last.type == "web.tracked":
        return [*others, last._replace(data=last.data | {"properties": rest | last.data["properties"] | words})]
    if last.label == "kept":
        return [*others, last._replace(data=rest | last.data | words)]
    return [*drafts, MessageDraft("kept", _kept_as(message.kind), rest | words)]


def _untaken(message: _Message) -> Fields:
    """The fields that the reader of the kind does not take, if there is anything in them."""
    taken = _TAKEN.get(message.kind, ())
    rest = {name: value for name, value in _rest(message).items() if name not in taken and value not in _EMPTY}
    context = kept_context(message.context)
    return rest | {"context": context} if context else rest


def _standing(message: _Message) -> list[MessageDraft]:
    """The login that a message of another kind claims: SDKs put the user id on everything they send."""
    identifiers = identifiers_of(message.user_id, message.context.get("traits"), message.context)
    return [MessageDraft("", "identity.bound", _binding(identifiers))] if identifiers else []


def _binding(identifiers: list[Fields]) -> Fields:
    logs_in = any(one["type"] == "member_id" for one in identifiers)
    return {"identifiers": identifiers, "via": "login" if logs_in else "channel"}


def _identify(message: _Message) -> list[MessageDraft] | None:
    traits = message.object("traits")
    if traits is None:
        return None
    drafts: list[MessageDraft] = []
    if identifiers := identifiers_of(message.user_id, traits, message.context):
        drafts.append(MessageDraft("login", "identity.bound", _binding(identifiers)))
    if profile := profile_of(traits, message.context):
        drafts.append(MessageDraft("profile", "profile.updated", profile))
    attributes = attributes_of(traits)
    for key, data in attributes.values.items():
        type_name = "attribute.unset" if data is None else "attribute.set"
        drafts.append(MessageDraft(f"trait.{key}", type_name, data or {"key": key}))
    if attributes.left or not drafts:
        drafts.append(MessageDraft("kept", "web.identify", {"traits": attributes.left}))
    return drafts


def _track(message: _Message) -> list[MessageDraft] | None:
    event, properties = word(message.fields.get("event")), message.object("properties")
    if event is None or properties is None:
        return None
    return [*_standing(message), _tracked(message, event, _page(message).get("url"), properties)]


def _view(event: str) -> "WebReader":
    def read(message: _Message) -> list[MessageDraft] | None:
        properties = message.object("properties")
        if properties is None:
            return None
        named = {name: message.fields[name] for name in ("name", "category") if message.fields.get(name) is not None}
        url = properties.get("url") or _page(message).get("url")
        return [*_standing(message), _tracked(message, event, url, named | properties)]

    return read


def _tracked(message: _Message, event: str, url: Any, properties: Fields) -> MessageDraft:
    campaign = message.context.get("campaign")
    if isinstance(campaign, dict) and campaign:
        properties = {"campaign": campaign} | properties
    data = {"event": event, "url": url if isinstance(url, str) and url else None, "properties": properties}
    return MessageDraft("did", "web.tracked", data)


def _page(message: _Message) -> Fields:
    page = message.context.get("page")
    return page if isinstance(page, dict) else {}


def _alias(message: _Message) -> list[MessageDraft] | None:
    """The visitor that was known by ``previousId`` is the member ``userId``; so is whoever sends this."""
    previous = usable_id(message.fields.get("previousId"), _LONGEST_ID)
    if previous is None or message.user_id is None or previous == message.user_id:
        return None
    contact = _visitor(message.site, previous)
    bound = MessageDraft("alias", "identity.bound", _binding(identifiers_of(message.user_id, None, {})), contact)
    return [bound] if contact == message.contact else [*_standing(message), bound]


def _kept_as(kind: str) -> str:
    name = f"web.{_HUMP.sub('_', kind[:_LONGEST_TYPE]).lower()[:_LONGEST_TYPE]}"
    return "web.unknown" if name in EVENT_TYPES else name


def _rest(message: _Message) -> Fields:
    return {name: value for name, value in message.fields.items() if name not in _IN_THE_ENVELOPE}


WebReader = Callable[[_Message], list[MessageDraft] | None]
_READERS: Final[dict[str, WebReader]] = {
    "identify": _identify,
    "track": _track,
    "page": _view("page_viewed"),
    "screen": _view("screen_viewed"),
    "alias": _alias,
}
