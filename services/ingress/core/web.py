"""A website's messages of Segment's API to canonical events, each by itself, whatever it contains.

`web_sender` says who sends a message and how far that is believed, `web_drafts` what it says and whom it happens to:
the contact ``web:<account>:user:<userId>`` of a member, or ``web:<account>:<anonymousId>`` of a browser. An
``anonymousId`` that begins with ``user:`` or ``anon:`` is prefixed with ``anon:``, so that no visitor can pose as a
member's contact.

What no reader takes stays in the data of one of the message's events; device and network are left out. The ids of the
events of one message begin with what they are, so that one ``messageId`` gives several events, and a repeat gives the
same ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

import orjson

from projections.identity.resolution.policy import Policy
from schemas.codec import InvalidEvent
from schemas.events import Event
from services.ingress.core.login_hashes import without_hashes
from services.ingress.core.normalize import MAX_WORD, Fields, clean, content_hash_id, word
from services.ingress.core.rudderstack import in_segment_words
from services.ingress.core.stated_values import ValueWarning, unread
from services.ingress.core.translated import Ignored, Translated, to_event
from services.ingress.core.web_drafts import (
    FLEETING,
    LOGIN,
    SEEN,
    MessageDraft,
    WebMessage,
    browser_contact,
    drafts_of,
    kept_unread,
    member_contact,
    previous_id,
)
from services.ingress.core.web_identity import unusable_ids, usable_id, written_otherwise
from services.ingress.core.web_merge import PROPERTIES, merged_in
from services.ingress.core.web_sender import LONGEST_ID, Trust, WebSender, sender_of
from services.ingress.core.web_times import time_of

MAX_MESSAGE_BYTES: Final = 32_768
DAILY_PREFIX: Final = "web:day:"
SEEN_PREFIX: Final = f"web:{SEEN}:"
LOGIN_PREFIXES: Final = (SEEN_PREFIX, f"web:{LOGIN}:", "web:alias:")
_DAY_MS: Final = 86_400_000
_LONGEST_MESSAGE_ID: Final = 128
_NUL: Final = b"\\u0000"
_SURELY_SHALLOW: Final = 40


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


@dataclass(frozen=True, slots=True)
class TenantKnowledge:
    """What is known of the tenant that messages are read by.

    ``policy`` says what is no member id. ``members`` are those of the ids that aliases name that are members', with the
    member ids that they are read as.
    """

    policy: Policy = field(default_factory=Policy)
    members: Mapping[str, str] = field(default_factory=dict)


def alias_ids(messages: Iterable[Any]) -> set[str]:
    """The ids that aliases and merges among the messages may speak of as members'."""
    of_dicts = [one for one in messages if isinstance(one, dict)]
    aliases = [one for one in of_dicts if one.get("previousId") is not None]
    merges = [(one, merged_in(one, LONGEST_ID).members) for one in of_dicts if one.get(PROPERTIES) is not None]
    several = [(one, members) for one, members in merges if members]
    found = {previous_id(one) for one in aliases} | user_ids([*aliases, *(one for one, _ in several)])
    return {one for one in found if one is not None}.union(*(members for _, members in several))


def user_ids(messages: Iterable[Any]) -> set[str]:
    """The user ids of the messages."""
    given = (one.get("userId") for one in messages if isinstance(one, dict))
    found = (usable_id(one, LONGEST_ID) for one in given if one is not None)
    return {one for one in found if one is not None}


class _Shared(NamedTuple):
    """What all messages are read by."""

    site: Site
    delivery: Delivery
    known: TenantKnowledge


def translate(
    messages: Iterable[Any], site: Site, delivery: Delivery, known: TenantKnowledge | None = None
) -> Translated:
    """The events of the messages, in order, and the messages that became none."""
    found = [one for one, _ in translate_each(messages, site, delivery, known)]
    return Translated(
        tuple(event for one in found for event in one.events),
        tuple(ignored for one in found for ignored in one.ignored),
        tuple(warning for one in found for warning in one.warnings),
    )


def translate_each(
    messages: Iterable[Any], site: Site, delivery: Delivery, known: TenantKnowledge | None = None
) -> Iterator[tuple[Translated, int]]:
    """The events of each message, or why it became none, and the bytes that were read for it."""
    context = clean(delivery.context) if isinstance(delivery.context, dict) else {}
    shared = _Shared(site, replace(delivery, context=context), known or TenantKnowledge())
    common = len(orjson.dumps(context))
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            yield _left_out(index, "not_an_object"), 0
            continue
        fields, size = _cleaned(message)
        too_large = size > MAX_MESSAGE_BYTES
        yield _left_out(index, "too_large") if too_large else _translate(fields, shared, index), size + common


def _translate(fields: Fields, shared: _Shared, index: int) -> Translated:
    """The message's events, or the reason why there are none."""
    own, common = fields.get("context"), shared.delivery.context
    context = common | own if isinstance(own, dict) else common
    kind = shared.delivery.call or word(fields.get("type")) or "unknown"
    fields, context = in_segment_words(kind, fields, context)
    sender = sender_of(fields, context, _trust(shared.site), shared.known.policy)
    message = _read(kind, *without_hashes(fields, context), sender, shared)
    if message is None:
        return _left_out(index, "unsigned" if sender.unsigned else "no_id", sender.warnings)
    message_id = _message_id(message, shared.delivery, index)
    drafts, warnings = drafts_of(message)
    try:
        events = tuple(_event(draft, message, message_id, shared) for draft in drafts)
    except InvalidEvent as error:
        return _left_out(index, error.reason)
    contact = ":".join(message.contact.values())
    of_ids = [one._replace(contact=contact) for one in (*sender.warnings, *warnings)]
    of_fields = [unread(contact, name, value) for name, value in (message.unread | kept_unread(message)).items()]
    return Translated(events, (), (*of_ids, *of_fields))


def _left_out(index: int, reason: str, warnings: tuple[ValueWarning, ...] = ()) -> Translated:
    return Translated((), (Ignored(index, reason),), warnings)


def _trust(site: Site) -> Trust:
    return Trust(site.assurance, site.login_secrets, site.signed_only)


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


def _read(kind: str, fields: Fields, context: Fields, sender: WebSender, shared: _Shared) -> WebMessage | None:
    """The message as it is understood; None if it is nobody's."""
    site, delivery = shared.site, shared.delivery
    browser = browser_contact(site.account, sender.anonymous_id) if sender.anonymous_id is not None else None
    contact = member_contact(site.account, sender.user_id) if sender.user_id is not None else browser
    if contact is None:
        return None
    no_values = unusable_ids(fields, LONGEST_ID)
    if not isinstance(fields.get("context") or {}, dict):
        no_values["context"] = fields["context"]
    at, no_times = time_of(fields, delivery.sent_at, delivery.received_at)
    as_sent, no_traits = written_otherwise(context.get("traits"), fields.get("traits"))
    if isinstance(event := fields.get("event"), str) and len(event) > MAX_WORD:
        as_sent["event"] = event
    return WebMessage(
        fields=fields,
        context=context,
        kind=kind,
        contact=contact,
        browser=browser,
        user_id=sender.user_id,
        login=sender.login,
        assurance=site.assurance,
        at=at,
        unread=no_times | no_values | no_traits,
        as_sent=as_sent,
        members=shared.known.members,
    )


def _message_id(message: WebMessage, delivery: Delivery, index: int) -> str:
    """The message's own id, else a hash of its content; if it has no time, also of when it came and its index."""
    fields = message.fields
    given = usable_id(fields.get("messageId"), _LONGEST_MESSAGE_ID)
    if given is not None:
        return given
    content: Fields = {name: value for name, value in fields.items() if name not in FLEETING}
    place = [delivery.received_at, index] if message.at is None else []
    return content_hash_id([message.contact["account"], message.kind, content, place])


def _event(draft: MessageDraft, message: WebMessage, message_id: str, shared: _Shared) -> Event:
    site, delivery = shared.site, shared.delivery
    occurred_at = delivery.received_at if message.at is None else message.at
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


def _day_id(draft: MessageDraft, message: WebMessage, at: int) -> str:
    stated = [message.contact["account"], message.contact["uid"], draft.data["identifiers"], at // _DAY_MS]
    return DAILY_PREFIX + sha256(orjson.dumps(stated, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]
