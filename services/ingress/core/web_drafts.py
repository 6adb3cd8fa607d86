"""What a website's message says, as drafts of events.

*Whose they are.* What carries a user id happens to the member's own contact; what carries only an anonymous id happens
to the browser. A message with both also says that the browser is logged in: ``identify`` each time, any other message
once a day, since SDKs put the user id on all that they send (`handlers.daily_dedup` leaves out the repeats).

*Assurance.* A login has its own; all else has that of the write key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from schemas.events import EVENT_TYPES
from schemas.events.base import Assurance
from services.ingress.core.normalize import Fields, word
from services.ingress.core.placeholders import is_placeholder, no_member
from services.ingress.core.rudderstack import MERGE
from services.ingress.core.stated_values import ValueWarning, unread
from services.ingress.core.web_context import kept_context
from services.ingress.core.web_identity import identifiers_of, usable_id
from services.ingress.core.web_merge import PROPERTIES, merged_in
from services.ingress.core.web_sender import LONGEST_ID, MEMBER_PREFIX, no_browser
from services.ingress.core.web_traits import attributes_of, profile_of

_DEFAULT: Final = Policy()
# The labels of what a browser's login is known by: of a message that is one, and of any other with a user id.
LOGIN: Final = "browser"
SEEN: Final = "seen"
_ALIAS: Final = "alias"
_ESCAPED: Final = "anon:"
_LONGEST_TYPE: Final = 100
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What may differ when the same message comes again.
FLEETING: Final = frozenset({"sentAt", "receivedAt", "writeKey", "_metadata", "messageId", "type"})
_IN_THE_ENVELOPE: Final = FLEETING | {
    "timestamp", "originalTimestamp", "anonymousId", "userId", "context", "integrations", "channel", "version",
    "request_ip",
}  # fmt: skip
_OBJECTS: Final = frozenset({"traits", "properties"})
_VIEW: Final = frozenset({"name", "category", "properties"})
# The fields that the reader of a kind takes.
_TAKEN: Final = {
    "identify": frozenset({"traits"}),
    "track": frozenset({"event", "properties"}),
    "page": _VIEW,
    "screen": _VIEW,
    "alias": frozenset({"previousId"}),
    MERGE: frozenset({PROPERTIES}),
}
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])


class MessageDraft(NamedTuple):
    """One event of a message: what of it, its type and data, and whose it is if not the message's own contact's.

    Without a ``label`` it is the same event all day.
    """

    label: str
    type: str
    data: Fields
    contact: Fields | None = None


@dataclass(frozen=True, slots=True)
class WebMessage:
    """A message as it is understood.

    ``contact`` is whom it happens to, the member if it names one. ``browser`` is the browser's contact, if it names
    that. ``at`` is None where it names no time. By field, ``unread`` has what can't be read, ``as_sent`` the text of
    what was read otherwise than it was written. ``members`` are ids that are known to be members', with the ids that
    they are read as.
    """

    fields: Fields
    context: Fields
    kind: str
    contact: Fields
    browser: Fields | None
    user_id: str | None
    login: Assurance
    assurance: Assurance
    at: int | None
    unread: Fields
    as_sent: Fields
    members: Mapping[str, str]

    def object(self, name: str) -> Fields | None:
        """The object of that name, an empty one if it is missing; None if the value is no object."""
        value = self.fields.get(name)
        return {} if value is None else value if isinstance(value, dict) else None


class Drafts(NamedTuple):
    """The events of a message, and warnings of what does not count as its sender meant."""

    drafts: list[MessageDraft]
    warnings: tuple[ValueWarning, ...] = ()


def drafts_of(message: WebMessage) -> Drafts:
    """What a message says; it is kept as it is where it means nothing to us."""
    if message.kind == "alias" and (of_alias := _alias(message)):
        return of_alias
    if message.kind == MERGE:
        return _merge(message)
    reader = _READERS.get(message.kind)
    drafts = reader(message) if reader else None
    if drafts is None:
        drafts = [*_standing(message), MessageDraft("kept", _kept_as(message.kind), _rest(message))]
    return Drafts(_keeping_rest(drafts, message))


def kept_unread(message: WebMessage) -> Fields:
    """The parts for the sake of which the message is only kept: no objects, and the event of ``track`` that is none."""
    parts = {name: message.fields.get(name) for name in _OBJECTS & _TAKEN.get(message.kind, frozenset())}
    unread = {name: value for name, value in parts.items() if message.object(name) is None}
    if message.kind == "track" and word(message.fields.get("event")) is None:
        unread["event"] = message.fields.get("event")
    return unread


def member_contact(account: str, user_id: str) -> Fields:
    """The member's own contact on a website."""
    return {"channel": "web", "account": account, "uid": MEMBER_PREFIX + user_id}


def browser_contact(account: str, anonymous_id: str) -> Fields:
    """The contact of a browser, escaped so that no visitor can pose as a member's own contact."""
    uid = _ESCAPED + anonymous_id if anonymous_id.startswith((MEMBER_PREFIX, _ESCAPED)) else anonymous_id
    return {"channel": "web", "account": account, "uid": uid}


def previous_id(fields: Fields) -> str | None:
    """The former id that an alias names: a browser's, or a member's."""
    found = usable_id(fields.get("previousId"), LONGEST_ID)
    return found.removeprefix(MEMBER_PREFIX) or None if found else None


def _keeping_rest(drafts: list[MessageDraft], message: WebMessage) -> list[MessageDraft]:
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


def _untaken(message: WebMessage) -> Fields:
    """The fields that the reader of the kind does not take, if there is anything in them."""
    taken = _TAKEN.get(message.kind, ())
    rest = {name: value for name, value in _rest(message).items() if name not in taken and value not in _EMPTY}
    context = kept_context(message.context)
    return rest | {"context": context} if context else rest


def _standing(message: WebMessage) -> list[MessageDraft]:
    """What a message of another kind says of identity: SDKs put the user id on everything they send."""
    identifiers = _identifiers(message, message.context.get("traits"))
    own = [MessageDraft("", "identity.bound", _binding(identifiers))] if identifiers else []
    return [*own, *_browser_login(message, SEEN)]


def _browser_login(message: WebMessage, label: str) -> list[MessageDraft]:
    """That the browser is logged in, where the message names both."""
    if message.browser is None or message.user_id is None:
        return []
    return [MessageDraft(label, "identity.bound", _login(message), message.browser)]


def _login(message: WebMessage) -> Fields:
    return _binding([{"type": "member_id", "value": message.user_id, "assurance": message.login}])


def _identifiers(message: WebMessage, traits: Any) -> list[Fields]:
    found = identifiers_of(message.user_id, traits, message.context, message.assurance)
    return [one | {"assurance": message.login} if one["type"] == "member_id" else one for one in found]


def _binding(identifiers: list[Fields]) -> Fields:
    logs_in = any(one["type"] == "member_id" for one in identifiers)
    return {"identifiers": identifiers, "via": "login" if logs_in else "channel"}


def _identify(message: WebMessage) -> list[MessageDraft] | None:
    traits = message.object("traits")
    if traits is None:
        return None
    drafts: list[MessageDraft] = []
    if identifiers := _identifiers(message, traits):
        drafts.append(MessageDraft("login", "identity.bound", _binding(identifiers)))
    drafts += _browser_login(message, LOGIN)
    assurance = {"assurance": message.assurance}
    if profile := profile_of(traits, message.context):
        drafts.append(MessageDraft("profile", "profile.updated", profile | assurance))
    attributes = attributes_of(traits)
    for key, data in attributes.values.items():
        type_name = "attribute.unset" if data is None else "attribute.set"
        drafts.append(MessageDraft(f"trait.{key}", type_name, (data or {"key": key}) | assurance))
    if attributes.left or not drafts:
        drafts.append(MessageDraft("kept", "web.identify", {"traits": attributes.left}))
    return drafts


def _track(message: WebMessage) -> list[MessageDraft] | None:
    event, properties = word(message.fields.get("event")), message.object("properties")
    if event is None or properties is None:
        return None
    return [*_standing(message), _tracked(message, event, _page(message).get("url"), properties)]


def _view(event: str) -> "WebReader":
    def read(message: WebMessage) -> list[MessageDraft] | None:
        properties = message.object("properties")
        if properties is None:
            return None
        named = {name: message.fields[name] for name in ("name", "category") if message.fields.get(name) is not None}
        url = properties.get("url") or _page(message).get("url")
        return [*_standing(message), _tracked(message, event, url, named | properties)]

    return read


def _tracked(message: WebMessage, event: str, url: Any, properties: Fields) -> MessageDraft:
    campaign = message.context.get("campaign")
    if isinstance(campaign, dict) and campaign:
        properties = {"campaign": campaign} | properties
    data = {"event": event, "url": url if isinstance(url, str) and url else None, "properties": properties}
    return MessageDraft("did", "web.tracked", data)


def _page(message: WebMessage) -> Fields:
    page = message.context.get("page")
    return page if isinstance(page, dict) else {}


def _alias(message: WebMessage) -> Drafts | None:
    """The browser that was known by ``previousId`` is the member ``userId``; so is whatever browser sends this.

    It is kept in any case: an id that is another member's makes no browser, but two members that may be one person.
    """
    previous, user_id = previous_id(message.fields), message.user_id
    if previous is None or user_id is None or previous == user_id:
        return None
    standing = _standing(message)
    warnings: tuple[ValueWarning, ...] = ()
    if previous in message.members or str(message.fields["previousId"]).strip().startswith(MEMBER_PREFIX):
        became = message.members.get(previous, previous)
        if became != message.members.get(user_id, user_id):
            warnings = (_not_merged(previous, user_id),)
    elif is_placeholder(previous):
        warnings = (no_browser("previousId", previous),)
    elif isinstance(normalise("email", previous, _DEFAULT), Normalised):
        warnings = (_address_of_nobody(previous, user_id),)
    else:
        browser = browser_contact(message.contact["account"], previous)
        standing = [draft for draft in standing if draft.contact != browser]
        standing.append(MessageDraft(_ALIAS, "identity.bound", _login(message), browser))
    kept = MessageDraft("kept", "web.alias", {"previousId": previous, "userId": user_id})
    return Drafts(_keeping_rest([*standing, kept], message), warnings)


def _merge(message: WebMessage) -> Drafts:
    """What the message merges is the member's, or the browser's where it names none.

    A further browser is logged in as the member. A further member may be the same person, which an alias says likewise.
    """
    merged = merged_in(message.fields, LONGEST_ID)
    stated = [{"type": name, "value": one, "assurance": message.assurance} for name, one in merged.values()]
    own = _each_once([*_identifiers(message, message.context.get("traits")), *stated])
    drafts = [MessageDraft("login", "identity.bound", _binding(own))] if own else []
    drafts += _browser_login(message, LOGIN)
    browsers = [one for one in merged.browsers if one != usable_id(message.fields.get("anonymousId"), LONGEST_ID)]
    members = [one for one in merged.members if message.user_id not in {None, one}]
    parts = [
        *(_merged_browser(message, one, number) for number, one in enumerate(browsers)),
        *(_merged_member(message, str(message.user_id), one, number) for number, one in enumerate(members)),
    ]
    drafts += [draft for part in parts for draft in part.drafts]
    drafts.append(MessageDraft("kept", "web.merge", {PROPERTIES: message.fields.get(PROPERTIES)}))
    warnings = (*map(_unmerged, merged.unread), *(warning for part in parts for warning in part.warnings))
    return Drafts(_keeping_rest(drafts, message), warnings)


def _merged_browser(message: WebMessage, browser_id: str, number: int) -> Drafts:
    """That a further browser is the member's; of two browsers, that a server's key says so of them."""
    if is_placeholder(browser_id):
        return Drafts([], (no_browser(PROPERTIES, browser_id),))
    browser, label = browser_contact(message.contact["account"], browser_id), f"{_ALIAS}:{number}"
    if message.user_id is not None:
        return Drafts([MessageDraft(label, "identity.bound", _login(message), browser)])
    if message.assurance == "claimed":
        detail = "the two browsers are not bound: send a userId besides, or use a server's key"
        return Drafts([], (ValueWarning(None, PROPERTIES, browser_id, "not_merged", detail),))
    other = {"type": "contact", "value": ":".join(browser.values()), "assurance": message.assurance}
    return Drafts([MessageDraft(label, "identity.bound", _binding([other]))])


def _merged_member(message: WebMessage, user_id: str, member: str, number: int) -> Drafts:
    """That another member may be the same person."""
    if (none := no_member(member, _DEFAULT)) is not None:
        return Drafts([], (none,))
    alias = MessageDraft(f"merge:{number}", "web.alias", {"previousId": member, "userId": user_id})
    same = message.members.get(member, member) == message.members.get(user_id, user_id)
    return Drafts([alias], () if same else (_not_merged(member, user_id),))


def _unmerged(one: Any) -> ValueWarning:
    """The warning of a property that says nothing."""
    kinds = "user_id, anonymous_id, email, phone and x_…"
    return unread(None, PROPERTIES, one)._replace(detail=f"a merge has objects of type and value, of the types {kinds}")


def _each_once(identifiers: list[Fields]) -> list[Fields]:
    return list({(one["type"], one["value"]): one for one in reversed(identifiers)}.values())[::-1]


def _not_merged(previous: str, user_id: str) -> ValueWarning:
    detail = (
        f"{previous} is a member's id: an alias merges no members. To merge them, send "
        f'POST /v1/members/{previous}/merge {{"into": "{user_id}"}}'
    )
    return ValueWarning(None, "previousId", previous, "not_merged", detail)


def _address_of_nobody(previous: str, user_id: str) -> ValueWarning:
    detail = (
        f"{previous} is an e-mail address, which is no browser's id, and no known member's. If the person "
        f'had it as a member\'s id, send POST /v1/members/{previous}/merge {{"into": "{user_id}"}}; if they can be '
        "reached there, send it as the trait `email`"
    )
    return ValueWarning(None, "previousId", previous, "no_browser", detail)


def _kept_as(kind: str) -> str:
    name = f"web.{_HUMP.sub('_', kind[:_LONGEST_TYPE]).lower()[:_LONGEST_TYPE]}"
    return "web.unknown" if name in EVENT_TYPES else name


def _rest(message: WebMessage) -> Fields:
    return {name: value for name, value in message.fields.items() if name not in _IN_THE_ENVELOPE}


WebReader = Callable[[WebMessage], list[MessageDraft] | None]
_READERS: Final[dict[str, WebReader]] = {
    "identify": _identify,
    "track": _track,
    "page": _view("page_viewed"),
    "screen": _view("screen_viewed"),
}
