"""LINE's webhook: https://developers.line.biz/en/reference/messaging-api/#webhooks. Pure."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import orjson

from services.demo import brand
from services.demo.channels.channel import Channel, Item
from services.demo.year import CanonicalEvent

_TYPES: Final = {
    "message.received": "message",
    "message.unsent": "unsend",
    "bot.interacted": "postback",
    "contact.followed": "follow",
    "contact.blocked": "unfollow",
}


def _sends(event: CanonicalEvent) -> bool:
    return event["source"] == "line" and event["type"] in _TYPES


def _item(events: Sequence[CanonicalEvent]) -> Item:
    (event,) = events
    kind, rng = _TYPES[event["type"]], Random(event["event_id"])
    common = {
        "type": kind,
        "mode": "active",
        "timestamp": event["occurred_at"],
        "source": {"type": "user", "userId": event["contact"]["uid"]},
        "webhookEventId": event["event_id"].removeprefix("line:"),
        "deliveryContext": {"isRedelivery": False},
    }
    # LINE gives no reply token where no reply is possible.
    token = {} if kind in {"unfollow", "unsend"} else {"replyToken": f"{rng.getrandbits(128):032x}"}
    return common | token | _details(kind, event["data"], rng)


def _details(kind: str, data: dict[str, Any], rng: Random) -> Item:
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


def _message(data: dict[str, Any], rng: Random) -> Item:
    message: Item = {"id": data["message_id"], "type": data["kind"]}
    match data["kind"]:
        case "text":
            return message | {"quoteToken": f"q{rng.getrandbits(128):032x}", "text": data["text"]}
        case "sticker":
            details = {"stickerResourceType": "STATIC", "keywords": ["tea", "thanks"]}
            return message | details | dict(data["payload"])
        case _:
            return message | {"contentProvider": {"type": "line"}}


LINE: Final = Channel(
    path="/webhooks/line/demo-line",
    largest=10,
    sends=_sends,
    item=_item,
    body=lambda items, *_: orjson.dumps({"destination": brand.LINE_DESTINATION, "events": items}),
    credential="signature",
    repeated=lambda item: item | {"deliveryContext": {"isRedelivery": True}},
)
