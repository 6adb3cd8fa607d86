"""Messenger's and Instagram's part of the life, in the shape in which Meta sends it. Pure, and equal each time."""

from collections.abc import Sequence
from typing import Any, Final

from services.demo import brand
from services.demo.diary import CanonicalEvent

MOST_ITEMS: Final = 12
OBJECTS: Final = {"facebook": "page", "instagram": "instagram"}
_SOURCES: Final = {"messenger": "facebook", "instagram": "instagram"}
_TYPES: Final = frozenset(
    {
        "message.received",
        "message.edited",
        "message.unsent",
        "bot.interacted",
        "notification.opted_in",
        "notification.opted_out",
    }
)
_PICTURE: Final = "https://cdn.example.com/tea.jpg"
_THUMB: Final = 369239263222822


def channel_of(event: CanonicalEvent) -> str | None:
    """The channel that itself tells of this event, if it is one of these two."""
    return _SOURCES.get(event["source"]) if event["type"] in _TYPES else None


def body(channel: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One webhook's body: what happened on one account."""
    entry = {"id": brand.ACCOUNTS[channel], "time": items[-1]["timestamp"], "messaging": list(items)}
    return {"object": OBJECTS[channel], "entry": [entry]}


def item(event: CanonicalEvent) -> dict[str, Any]:
    """The event as one turn of the conversation."""
    contact = event["contact"]
    return {
        "sender": {"id": contact["uid"]},
        "recipient": {"id": contact["account"]},
        "timestamp": event["occurred_at"],
    } | _particulars(event["type"], event["data"], event["event_id"].partition(":")[2])


def _particulars(type_name: str, data: dict[str, Any], own_id: str) -> dict[str, Any]:
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
            return {"optin": _optin(data)}
        case _:
            return {"optin": _optin(data) | {"notification_messages_status": "STOP_NOTIFICATIONS"}}


def _content(data: dict[str, Any]) -> dict[str, Any]:
    match data["kind"]:
        case "text":
            return {"text": data["text"]}
        case "sticker":
            picture = {"type": "image", "payload": {"url": _PICTURE, "sticker_id": _THUMB}}
            return {"sticker_id": _THUMB, "attachments": [picture]}
        case kind:
            return {"attachments": [{"type": kind, "payload": {"url": _PICTURE}}]}


def _optin(data: dict[str, Any]) -> dict[str, Any]:
    optin = {
        "type": "notification_messages",
        "title": data["topic"],
        "payload": "SUBSCRIBE",
        "notification_messages_frequency": data["frequency"],
    }
    if "token" in data:
        optin |= {"notification_messages_token": data["token"], "token_expiry_timestamp": data["expires_at"]}
    return optin
