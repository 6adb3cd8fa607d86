"""Messenger and Instagram webhooks to drafts. Both have the same shapes; each sends some of them.

- *An echo* is what the account itself sent, by any app or person: ``team.message_sent``. Its purpose comes from its
  ``metadata``, the JSON text ``{"onefold": {"purpose", "campaign", "agent"}}`` that our own senders pass to the Send
  API; else from its ``app_id``, if the source names that app as a sender; else it is ``conversation``.
- *A deletion* is ``message.unsent``; of a team's message it is the status ``deleted``. *Reads* and *deliveries* are
  statuses of the team's messages; a delivery gives one for each message that it names.
- *A reaction* is a message that contains an emoji; removing it gives no event. *A referral* (an m.me link, an ad) into
  an existing conversation is an interaction like a postback.
- *Opting in* to notifications is per topic: the title that the person agreed to, else the payload. An unknown status
  opts nobody in or out.
- *Standby*: messages that another app handles are still the contact's or the team's; their payload says ``standby``.

Several events may be about one message (``mid``): only the message itself, received or sent, has the id without a
suffix.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from services.ingress.core.drafts import ItemDraft, SourceContext, fields, listed, purpose, unread
from services.ingress.core.messenger_items import COMMENTS, ENVELOPE, Turn, items_of
from services.ingress.core.normalize import Fields, word
from services.ingress.core.times import millis_of
from services.ingress.core.translated import EventContent

_LONGEST_METADATA: Final = 4_096
_LONGEST_TOKEN: Final = 4_096
_NOTIFICATIONS: Final = frozenset({"notification_messages", "marketing_messages"})
_READ_OF_AN_OPTIN: Final = frozenset(
    {
        "type",
        "title",
        "notification_messages_status",
        "notification_messages_frequency",
        "notification_messages_token",
        "token_expiry_timestamp",
    }
)
_DECORATIONS: Final = frozenset({"fallback", "template"})


def drafts(entry: Fields, changes: list[Any], channel: str, context: SourceContext) -> Iterator[ItemDraft | str]:
    """The drafts of an entry's items, in order; for an item that can't be read, the reason."""
    for found in items_of(entry, changes, channel, context):
        if isinstance(found, str):
            yield found
            continue
        field, item, turn = found
        if field:
            event_id = turn.own_id(field, item.get("id")) if field in COMMENTS else None
            yield turn.draft(item, unread(channel, field, item), field, event_id)
        else:
            yield from _read(item, turn)


def _read(item: Fields, turn: Turn) -> Iterator[ItemDraft]:
    """The drafts of an item, at least one. What the team does besides writing is kept as it came."""
    known = [name for name in READERS if isinstance(item.get(name), dict)]
    for name in known:
        read = [] if turn.by_team and name != "message" else list(READERS[name](item, item[name], turn))
        yield from read or [_kept(item, name, turn)]
    if not known:
        names = [key for key in item if key not in ENVELOPE]
        yield _kept(item, min(names, key=lambda key: _rank(key, item), default=None), turn)


def _rank(key: str, item: Fields) -> tuple[bool, bool, str]:
    """The rank of an item's field as its name: a known field first, then one that holds an object."""
    return key not in READERS, not isinstance(item[key], dict), key


def _kept(item: Fields, name: Any, turn: Turn) -> ItemDraft:
    return turn.draft(item, unread(turn.channel, name, turn.rest(item)), name)


def _message(item: Fields, message: Fields, turn: Turn) -> Iterator[ItemDraft]:
    mid, deleted = message.get("mid"), message.get("is_deleted") is True
    if deleted:
        content = _deleted(item, message, turn)
    else:
        content = _sent(item, message, turn) if turn.by_team else _received(item, message, turn)
    yield turn.draft(item, content, "message", turn.own_id(mid, "deleted") if deleted else turn.own_id(mid))


def _payload(item: Fields, message: Fields, turn: Turn, *consumed: str) -> Fields:
    return {key: value for key, value in message.items() if key not in consumed} | turn.rest(item, "message")


def _received(item: Fields, message: Fields, turn: Turn) -> EventContent:
    text = _text(message)
    payload = _payload(item, message, turn, "mid", *(["text"] if text is not None else []))
    return "message.received", {
        "message_id": word(message.get("mid")),
        "kind": _kind(message),
        "text": text,
        "payload": payload,
    }


def _sent(item: Fields, message: Fields, turn: Turn) -> EventContent:
    text = _text(message)
    content = _own_metadata(message.get("metadata"))
    return "team.message_sent", {
        "purpose": purpose(content.get("purpose")) or turn.context.purpose_of(message.get("app_id")) or "conversation",
        "message_id": word(message.get("mid")),
        "agent": word(content.get("agent")),
        "campaign": word(content.get("campaign")),
        "text": text,
        "payload": _payload(item, message, turn, "mid", "is_echo", *(["text"] if text is not None else [])),
        "echo": True,
    }


def _deleted(item: Fields, message: Fields, turn: Turn) -> EventContent:
    payload = _payload(item, message, turn, "mid", "is_deleted", "is_echo")
    if turn.by_team:
        return "team.message_status", _status_of(message.get("mid"), "deleted", payload)
    return "message.unsent", {"message_id": word(message.get("mid")), "kind": "unknown", "payload": payload}


def _text(message: Fields) -> str | None:
    text = message.get("text")
    return text if isinstance(text, str) else None


def _kind(message: Fields) -> str:
    """The kind of a message; a text with a preview of its link is a text."""
    if message.get("is_unsupported") is True:
        return "unsupported"
    kinds = [word(fields(one).get("type")) for one in listed(message.get("attachments"))]
    kind = next((kind for kind in kinds if kind), None)
    if _text(message) is not None and (kind is None or kind in _DECORATIONS):
        return "text"
    sticker = "sticker" if "sticker_id" in message or "sticker" in message else None
    return sticker or kind or "unknown"


def _own_metadata(metadata: Any) -> Fields:
    """The metadata that our own sender added to a message; empty if somebody else wrote them."""
    if isinstance(metadata, str) and len(metadata) <= _LONGEST_METADATA:
        try:
            metadata = orjson.loads(metadata)
        except orjson.JSONDecodeError:
            return {}
    return fields(fields(metadata).get("onefold"))


def _edit(item: Fields, edit: Fields, turn: Turn) -> Iterator[ItemDraft]:
    mid, text = edit.get("mid"), _text(edit)
    payload = {key: value for key, value in edit.items() if key not in {"mid", "text"}} | turn.rest(
        item, "message_edit"
    )
    data = {"message_id": word(mid), "kind": "text", "text": text, "payload": payload}
    event_id = turn.own_id(mid, "edit", word(edit.get("num_edit")))
    yield turn.draft(item, ("message.edited", data), "message_edit", event_id)


def _reaction(item: Fields, reaction: Fields, turn: Turn) -> Iterator[ItemDraft]:
    if reaction.get("action") == "unreact":
        return
    emoji = reaction.get("emoji")
    data = {
        "kind": "reaction",
        "text": emoji if isinstance(emoji, str) else None,
        "payload": turn.rest(item),
    }
    # A person may react to one message again and again: the time tells the reactions apart.
    at = millis_of(item.get("timestamp"))
    event_id = turn.own_id(reaction.get("mid"), "reaction", str(at)) if at else None
    yield turn.draft(item, ("message.received", data), "reaction", event_id)


def _postback(item: Fields, postback: Fields, turn: Turn) -> Iterator[ItemDraft]:
    """The payload: the button's payload alone, or the whole postback if it has a title, an id or a referral."""
    rest = turn.rest(item, "postback")
    plain = postback.keys() == {"payload"} and isinstance(postback["payload"], str) and not rest
    content = ("bot.interacted", {"action": "postback", "payload": postback["payload"] if plain else postback | rest})
    yield turn.draft(item, content, "postback", turn.own_id(postback.get("mid"), "postback"))


def _referral(item: Fields, referral: Fields, turn: Turn) -> Iterator[ItemDraft]:
    content = ("bot.interacted", {"action": "referral", "payload": referral | turn.rest(item, "referral")})
    yield turn.draft(item, content, "referral")


def _optin(item: Fields, optin: Fields, turn: Turn) -> Iterator[ItemDraft]:
    type_name = _opting(optin)
    if type_name is None or turn.contact is None:
        return
    token = optin.get("notification_messages_token")
    rest = {key: value for key, value in optin.items() if key not in _READ_OF_AN_OPTIN}
    data = {
        "topic": word(optin.get("title")) or word(optin.get("payload")) or "default",
        "frequency": word(optin.get("notification_messages_frequency")),
        "token": token if isinstance(token, str) and len(token) <= _LONGEST_TOKEN else None,
        "expires_at": millis_of(optin.get("token_expiry_timestamp")),
        "payload": (rest | turn.rest(item, "optin")) or None,
    }
    yield turn.draft(item, (type_name, data), "optin")


def _opting(optin: Fields) -> str | None:
    """The event's type, or None. Only stopping and resuming have a status, written with spaces or underscores."""
    if word(optin.get("type")) not in _NOTIFICATIONS:
        return None
    status = optin.get("notification_messages_status")
    if status is None:
        return "notification.opted_in"
    verb = status.strip().upper().replace("_", " ").partition(" ")[0] if isinstance(status, str) else ""
    return {"STOP": "notification.opted_out", "RESUME": "notification.opted_in"}.get(verb)


def _seen(item: Fields, read: Fields, turn: Turn) -> Iterator[ItemDraft]:
    mid = read.get("mid")
    payload = {key: value for key, value in read.items() if key != "mid"} | turn.rest(item, "read")
    yield turn.draft(item, ("team.message_status", _status_of(mid, "read", payload)), "read", turn.own_id(mid, "read"))


def _delivery(item: Fields, delivery: Fields, turn: Turn) -> Iterator[ItemDraft]:
    payload = {key: value for key, value in delivery.items() if key != "mids"} | turn.rest(item, "delivery")
    for mid in [mid for mid in listed(delivery.get("mids")) if word(mid)] or [None]:
        content = ("team.message_status", _status_of(mid, "delivered", payload))
        yield turn.draft(item, content, "delivery", turn.own_id(mid, "delivered"), mid)


def _status_of(mid: Any, status: str, payload: Fields) -> Fields:
    return {"message_id": word(mid), "status": status, "payload": payload}


MessengerReader = Callable[[Fields, Fields, Turn], Iterator[ItemDraft]]
READERS: Final[dict[str, MessengerReader]] = {
    "message": _message,
    "postback": _postback,
    "optin": _optin,
    "referral": _referral,
    "reaction": _reaction,
    "read": _seen,
    "delivery": _delivery,
    "message_edit": _edit,
}
