"""LINE's part of the life, back in the shape in which LINE sends it: webhook bodies of the Messaging API. Pure."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from services.demo import brand
from services.demo.diary import CanonicalEvent

_TYPES: Final = {
    "message.received": "message",
    "message.unsent": "unsend",
    "bot.interacted": "postback",
    "contact.followed": "follow",
    "contact.blocked": "unfollow",
}
MOST_EVENTS: Final = 10


def comes_by_webhook(event: CanonicalEvent) -> bool:
    """Whether LINE itself tells of this event."""
    return event["source"] == "line" and event["type"] in _TYPES


def body(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One webhook's body."""
    return {"destination": brand.LINE_DESTINATION, "events": list(events)}


def webhook_event(event: CanonicalEvent, rng: Random, *, redelivered: bool) -> dict[str, Any]:
    """The event as one member of a webhook's ``events``."""
    kind = _TYPES[event["type"]]
    common = {
        "type": kind,
        "mode": "active",
        "timestamp": event["occurred_at"],
        "source": {"type": "user", "userId": event["contact"]["uid"]},
        "webhookEventId": event["event_id"].removeprefix("line:"),
        "deliveryContext": {"isRedelivery": redelivered},
    }
    # Nobody can be answered who has left, or has taken the message back.
    token = {} if kind in {"unfollow", "unsend"} else {"replyToken": f"{rng.getrandbits(128):032x}"}
    return common | token | _particulars(kind, event["data"], rng)


def _particulars(kind: str, data: dict[str, Any], rng: Random) -> dict[str, Any]:
    match kind:
        case "message":
            return {"message": _message(data, rng)}
        case "unsend":
            return {"unsend": {"messageId": data["message_id"]}}
        case "postback":
            return {"postback": {"data": data["payload"]}}
        case "follow":
            return {"follow": {"isUnblocked": data["via"] == "unblock"}}
        case _:
            return {}


def _message(data: dict[str, Any], rng: Random) -> dict[str, Any]:
    message: dict[str, Any] = {"id": data["message_id"], "type": data["kind"]}
    match data["kind"]:
        case "text":
            return message | {"quoteToken": f"q{rng.getrandbits(128):032x}", "text": data["text"]}
        case "sticker":
            message |= data["payload"]
            return message | {"stickerResourceType": "STATIC", "keywords": ["tea", "thanks"]}
        case _:
            return message | {"contentProvider": {"type": "line"}}
