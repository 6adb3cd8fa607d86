"""The webhooks of Messenger and Instagram, which share one shape. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from services.demo import brand
from services.demo.channels.channel import Channel, Item
from services.demo.year import CHANNEL_SOURCES, CanonicalEvent

_OBJECTS: Final = {"facebook": "page", "instagram": "instagram"}
_TYPES: Final = frozenset(
    "message.received message.edited message.unsent bot.interacted notification.opted_in notification.opted_out".split()
)
_PICTURE: Final = "https://cdn.example.com/tea.jpg"
_THUMBS_UP: Final = 369239263222822  # the sticker


def _item(events: Sequence[CanonicalEvent]) -> Item:
    (event,) = events
    contact, own_id = event["contact"], event["event_id"].partition(":")[2]
    ends = {"sender": {"id": contact["uid"]}, "recipient": {"id": contact["account"]}}
    return ends | {"timestamp": event["occurred_at"]} | _details(event["type"], event["data"], own_id)


def _details(type_name: str, data: dict[str, Any], own_id: str) -> Item:
    match type_name:
        case "message.received":
            return {"message": {"mid": data["message_id"]} | _content(data)}
        case "message.edited":
            return {"message_edit": {"mid": data["message_id"], "text": data["text"], "num_edit": 1}}
        case "message.unsent":
            return {"message": {"mid": data["message_id"], "is_deleted": True}}
        case "bot.interacted":
            return {"postback": {"mid": f"m_{own_id}", "title": "點選", "payload": data["payload"]}}
        case "notification.opted_in":
            token = {"notification_messages_token": data["token"], "token_expiry_timestamp": data["expires_at"]}
            return {"optin": _opt_in(data) | token}
        case _:
            return {"optin": _opt_in(data) | {"notification_messages_status": "STOP_NOTIFICATIONS"}}


def _content(data: dict[str, Any]) -> Item:
    match data["kind"]:
        case "text":
            return {"text": data["text"]}
        case "sticker":
            picture = {"type": "image", "payload": {"url": _PICTURE, "sticker_id": _THUMBS_UP}}
            return {"sticker_id": _THUMBS_UP, "attachments": [picture]}
        case kind:
            return {"attachments": [{"type": kind, "payload": {"url": _PICTURE}}]}


def _opt_in(data: dict[str, Any]) -> Item:
    return {
        "type": "notification_messages",
        "title": data["topic"],
        "payload": "SUBSCRIBE",
        "notification_messages_frequency": data["frequency"],
    }


def _channel(name: str) -> Channel:
    def body(items: list[Item], *_: object) -> bytes:
        entry = {"id": brand.ACCOUNTS[name], "time": items[-1]["timestamp"], "messaging": items}
        return orjson.dumps({"object": _OBJECTS[name], "entry": [entry]})

    return Channel(
        path=f"/webhooks/meta/demo-{name}",
        largest=12,
        sends=lambda event: event["source"] == CHANNEL_SOURCES[name] and event["type"] in _TYPES,
        item=_item,
        body=body,
        credential="signature",
    )


FACEBOOK: Final = _channel("facebook")
INSTAGRAM: Final = _channel("instagram")
