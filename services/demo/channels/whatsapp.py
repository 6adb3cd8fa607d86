"""The webhook of WhatsApp's Cloud API. Pure.

An item is the value of one change: a message with the sender's name, a status, a preference, or a change of number
(which is two events).
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import orjson

from services.demo import brand
from services.demo.channels.channel import Channel, Item
from services.demo.year import CanonicalEvent

_MESSAGES: Final = frozenset({"message.received", "message.edited", "bot.interacted"})
_SINGLE: Final = _MESSAGES | {"team.message_status", "marketing.opted_out", "marketing.opted_in"}
_PAIRS: Final = {(message, "profile.updated") for message in _MESSAGES} | {("contact.superseded", "identity.bound")}
_SECOND: Final = frozenset({"profile.updated", "identity.bound"})


def _item_key(event: CanonicalEvent) -> Hashable:
    """Whom the item is about, and when."""
    contact = event["data"].get("linked_contact") if event["type"] == "identity.bound" else None
    return (contact or event["contact"])["uid"], event["occurred_at"]


def _is_item(events: Sequence[CanonicalEvent]) -> bool:
    types = tuple(event["type"] for event in events)
    return types in _PAIRS or (len(types) == 1 and types[0] in _SINGLE)


def _item(events: Sequence[CanonicalEvent]) -> Item:
    event = events[0]
    number, data, seconds = event["contact"]["uid"], event["data"], event["occurred_at"] // 1000
    metadata = {"display_phone_number": brand.WHATSAPP_NUMBER, "phone_number_id": event["contact"]["account"]}
    value: Item = {"messaging_product": "whatsapp", "metadata": metadata}
    match event["type"]:
        case "team.message_status":
            status = {"id": data["message_id"], "status": data["status"], "timestamp": str(seconds)}
            recipient = {"recipient_id": number, "recipient_user_id": _user_id(event)}
            return value | {"statuses": [status | recipient]}
        case "marketing.opted_out" | "marketing.opted_in":
            wish = "stop" if event["type"] == "marketing.opted_out" else "resume"
            preference = {"category": "marketing_messages", "value": wish, "timestamp": seconds}
            user = {"wa_id": number, "user_id": _user_id(event)}
            return value | {"contacts": [user], "user_preferences": [preference | user]}
        case "contact.superseded":
            return value | {"messages": [_number_change(event, events[1])]}
        case _:
            names = [{"profile": {"name": one["data"]["display_name"]}} for one in events[1:]]
            user = {"wa_id": number, "user_id": _user_id(event)}
            return value | {"contacts": [user | (names[0] if names else {})], "messages": [_message(event)]}


def _envelope(event: CanonicalEvent, kind: str) -> Item:
    return {
        "from": event["contact"]["uid"],
        "from_user_id": _user_id(event),
        "id": f"wamid.{event['event_id'].partition(':')[2]}",
        "timestamp": str(event["occurred_at"] // 1000),
        "type": kind,
    }


def _message(event: CanonicalEvent) -> Item:
    data = event["data"]
    match event["type"]:
        case "message.received":
            return _envelope(event, data["kind"]) | {"id": data["message_id"], data["kind"]: _content(data)}
        case "message.edited":
            message = {"type": "text", "text": {"body": data["text"]}}
            edit = {"original_message_id": data["message_id"], "message": message}
            return _envelope(event, "edit") | {"edit": edit}
        case _:
            return _envelope(event, "button") | {"button": {"payload": data["payload"], "text": "點選"}}


def _content(data: dict[str, Any]) -> Item:
    if data["kind"] == "text":
        return {"body": data["text"]}
    mime = "image/webp" if data["kind"] == "sticker" else "image/jpeg"
    return {"id": data["message_id"].removeprefix("wamid.")[:16], "mime_type": mime}


def _number_change(old: CanonicalEvent, new: CanonicalEvent) -> Item:
    before, after = old["contact"]["uid"], new["contact"]["uid"]
    text = f"User changed from {before} to {after}"
    system = {"type": "user_changed_number", "body": text, "wa_id": after, "user_id": _user_id(new)}
    return _envelope(old, "system") | {"system": system}


def _user_id(event: CanonicalEvent) -> str:
    """The user's id in the brand's portfolio, which WhatsApp sends with everything."""
    (value,) = (one["value"] for one in event["intrinsic"] if one["type"] == "whatsapp_user")
    return str(value).partition(":")[2]


def _body(values: list[Item], *_: object) -> bytes:
    changes = [
        {"field": "user_preferences" if "user_preferences" in value else "messages", "value": value} for value in values
    ]
    entry = {"id": brand.WHATSAPP_BUSINESS, "changes": changes}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


WHATSAPP: Final = Channel(
    path="/webhooks/meta/demo-whatsapp",
    largest=6,
    sends=lambda event: event["source"] == "whatsapp",
    item=_item,
    body=_body,
    credential="signature",
    item_key=_item_key,
    order=lambda event: event["type"] in _SECOND,
    is_item=_is_item,
)
