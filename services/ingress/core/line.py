"""LINE webhooks to canonical events: at most one event for each entry of ``events``, whatever it contains.

Only a person in a one-to-one chat is a contact. A message in a group or a room becomes a message of the account without
a contact (``payload.source`` says where and by whom), because its author may not have added the account and can't be
reached.

Fields that a redelivery changes (``deliveryContext``) or that expire within minutes (``replyToken``) are left out, so
that a repeat is the same event. An entry of an unknown type, or of a known type with an unexpected shape, becomes an
event of type ``line.<type>`` with all of its data.
"""

from collections.abc import Callable
from typing import Any, Final

from schemas.codec import InvalidEvent
from schemas.events import Event
from services.ingress.core.normalize import (
    MAX_WORD,
    Fields,
    account_name,
    clean,
    content_hash_id,
    snake_case,
    word,
)
from services.ingress.core.times import occurred, unread_time
from services.ingress.core.translated import EventContent, Ignored, Translated, to_event

_CONSOLE_USER: Final = "Udeadbeefdeadbeefdeadbeefdeadbeef"  # the author of what the console sends to verify a webhook
_EVENT_ID_PREFIX: Final = "line:"
_FLEETING: Final = frozenset({"replyToken", "deliveryContext"})
_IN_THE_ENVELOPE: Final = frozenset({"type", "webhookEventId", "timestamp", "source", "mode"})


def translate(  # noqa: PLR0913 - the body, and six facts of it and of the source it came to
    body: Any,
    *,
    tenant: str,
    source: str,
    account: str | None,
    provider: str | None,
    received_at: int,
    plain: bool = False,
) -> Translated:
    """The events in a parsed webhook body, in its order, with what became none.

    ``account`` is the one configured for the source; without it the body's ``destination`` is. ``provider`` is the
    LINE provider that the source's user ids belong to; without it no identifier is vouched for. ``plain`` is that of
    the ParsedBody.
    """
    entries = body.get("events") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return Translated(ignored=(Ignored(0, "not_a_webhook"),))
    destination = account_name(body.get("destination"))
    account = account_name(account) or destination
    nobodies = frozenset(name for name in (account, destination, _CONSOLE_USER) if name)
    facts = {"tenant": tenant, "source": source, "received_at": received_at}
    events: list[Event] = []
    ignored: list[Ignored] = []
    for index, entry in enumerate(entries):
        outcome = _translate_entry(entry, account, nobodies, provider, facts, plain=plain)
        if isinstance(outcome, str):
            ignored.append(Ignored(index, outcome))
        else:
            events.append(outcome)
    return Translated(tuple(events), tuple(ignored))


def _translate_entry(  # noqa: PLR0913 - the entry, and what is known of its body and its source
    entry: Any, account: str | None, nobodies: frozenset[str], provider: str | None, facts: Fields, *, plain: bool
) -> Event | str:
    """The entry's event, or the reason why there is none."""
    if not isinstance(entry, dict):
        return "not_an_object"
    lasting = {key: value for key, value in entry.items() if key not in _FLEETING}
    event = lasting if plain else clean(lasting)
    contact = _contact(event, account, nobodies)
    envelope = facts | {
        "event_id": _event_id(event, account),
        "contact": contact,
        "account": {"channel": "line", "account": account} if account and not contact else None,
        "occurred_at": occurred(event.get("timestamp"), facts["received_at"]),
        "intrinsic": [{"type": "line_user", "value": f"{provider}:{contact['uid']}"}] if contact and provider else [],
    }
    for read in (_read, _unknown):
        type_name, data = read(event, contact)
        try:
            return to_event(envelope | {"type": type_name, "data": data}, small=plain)
        except InvalidEvent as error:
            reason = error.reason
    return reason


def _event_id(event: Fields, account: str | None) -> str:
    given = event.get("webhookEventId")
    if isinstance(given, str) and 0 < len(given) <= MAX_WORD - len(_EVENT_ID_PREFIX):
        return _EVENT_ID_PREFIX + given
    return content_hash_id({"channel": "line", "account": account, "event": event})


def _contact(event: Fields, account: str | None, nobodies: frozenset[str]) -> Fields | None:
    """The person in a one-to-one chat; the account itself and the console's test user, ``nobodies``, are none."""
    source = event.get("source")
    if account is None or not isinstance(source, dict) or source.get("type") != "user":
        return None
    uid = source.get("userId")
    if not isinstance(uid, str) or not 0 < len(uid) <= MAX_WORD or uid in nobodies:
        return None
    return {"channel": "line", "account": account, "uid": uid}


def _read(event: Fields, contact: Fields | None) -> EventContent:
    type_name = event.get("type")
    reader = _READERS.get(type_name) if isinstance(type_name, str) else None
    content = reader(event, contact) if reader else None
    return content or _unknown(event, contact)


def _unknown(event: Fields, contact: Fields | None) -> EventContent:
    name = word(event.get("type")) or "unknown"
    return f"line.{snake_case(name)}", _rest(event, contact)


def _rest(event: Fields, contact: Fields | None, *consumed: str) -> Fields:
    """The fields besides the envelope and those already read; the chat, if not one to one; and a time not read."""
    rest = {key: value for key, value in event.items() if key not in _IN_THE_ENVELOPE and key not in consumed}
    if event.get("source") is not None and not (contact and event["source"].keys() == {"type", "userId"}):
        rest["source"] = event["source"]
    if event.get("mode", "active") != "active":
        rest["mode"] = event["mode"]
    return rest | unread_time(event)


def _message(type_name: str) -> "LineReader":
    def read(event: Fields, contact: Fields | None) -> EventContent | None:
        message = event.get("message")
        if not isinstance(message, dict):
            return None
        text = message.get("text")
        own = {"id", "type"} | ({"text"} if isinstance(text, str) else set())
        payload = {key: value for key, value in message.items() if key not in own}
        return type_name, {
            "message_id": word(message.get("id")),
            "kind": word(message.get("type")) or "unknown",
            "text": text if isinstance(text, str) else None,
            "payload": payload | _rest(event, contact, "message"),
        }

    return read


def _unsend(event: Fields, contact: Fields | None) -> EventContent | None:
    unsend = event.get("unsend")
    message_id = word(unsend.get("messageId")) if isinstance(unsend, dict) else None
    if message_id is None:
        return None
    payload = _rest(event, contact, "unsend")
    return "message.unsent", {"message_id": message_id, "kind": "unknown", "payload": payload}


def _follow(event: Fields, contact: Fields | None) -> EventContent | None:
    if contact is None:
        return None
    follow = event.get("follow")
    unblocked = isinstance(follow, dict) and follow.get("isUnblocked") is True
    via = "unblock" if unblocked else "add_friend"
    return "contact.followed", {"via": via, "payload": _rest(event, contact, "follow") or None}


def _unfollow(event: Fields, contact: Fields | None) -> EventContent | None:
    return ("contact.blocked", {"via": "block", "payload": _rest(event, contact) or None}) if contact else None


def _postback(event: Fields, contact: Fields | None) -> EventContent | None:
    """The payload: the button's data alone, or with the parameters of a date picker or a rich menu."""
    postback = event.get("postback")
    if not isinstance(postback, dict):
        return None
    rest = _rest(event, contact, "postback")
    plain = postback.keys() == {"data"} and isinstance(postback["data"], str) and not rest
    return "bot.interacted", {"action": "postback", "payload": postback["data"] if plain else postback | rest}


LineReader = Callable[[Fields, Fields | None], EventContent | None]
_READERS: Final[dict[str, LineReader]] = {
    "message": _message("message.received"),
    "messageEdited": _message("message.edited"),
    "unsend": _unsend,
    "follow": _follow,
    "unfollow": _unfollow,
    "postback": _postback,
}
