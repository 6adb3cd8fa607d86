"""LINE's webhook: https://developers.line.biz/en/reference/messaging-api/#webhooks. Pure."""

from typing import Final

import orjson

from services.demo import brand
from services.demo.senders.shape import Item, Sender, templated

_REPLY: Final = {"replyToken": "{id}"}  # LINE gives none where no reply is possible
_STICKER: Final = {
    "id": "{data[message_id]}",
    "type": "sticker",
    "stickerResourceType": "STATIC",
    "packageId": "{data[payload][packageId]}",
    "stickerId": "{data[payload][stickerId]}",
    "keywords": ["tea", "thanks"],
}
_TEXT: Final = {"id": "{data[message_id]}", "type": "text", "quoteToken": "q{id}", "text": "{data[text]}"}
_IMAGE: Final = {"id": "{data[message_id]}", "type": "image", "contentProvider": {"type": "line"}}
_TEMPLATES: Final[dict[str, Item]] = {
    "message.received text": {"type": "message", "message": _TEXT} | _REPLY,
    "message.received sticker": {"type": "message", "message": _STICKER} | _REPLY,
    "message.received image": {"type": "message", "message": _IMAGE} | _REPLY,
    "message.unsent": {"type": "unsend", "unsend": {"messageId": "{data[message_id]}"}},
    "bot.interacted": {"type": "postback", "postback": {"data": "{data[payload]}"}} | _REPLY,
    "contact.followed": {"type": "follow", "follow": {"isUnblocked": "{is_unblocked}"}} | _REPLY,
    "contact.blocked": {"type": "unfollow"},
}
_COMMON: Final = {
    "mode": "active",
    "timestamp": "{at}",
    "source": {"type": "user", "userId": "{uid}"},
    "webhookEventId": "{id}",
    "deliveryContext": {"isRedelivery": False},
}

LINE: Final = Sender(
    path="/webhooks/line/demo-line",
    largest=10,
    item=templated(_COMMON, _TEMPLATES),
    kinds=_TEMPLATES,
    body=lambda items, *_: orjson.dumps({"destination": brand.LINE_DESTINATION, "events": items}),
    credential="signature",
    repeated=lambda item: item | {"deliveryContext": {"isRedelivery": True}},
)
