"""The webhooks of Messenger and Instagram, which share one shape, and of WhatsApp's Cloud API. Pure."""

from typing import Any, Final

import orjson

from services.demo import brand
from services.demo.senders.shape import Item, Sender, templated

_PICTURE: Final = "https://cdn.example.com/tea.jpg"
_THUMBS_UP: Final = 369239263222822  # the sticker
_ID: Final = {"mid": "{data[message_id]}"}
_STICKER: Final = {"type": "image", "payload": {"url": _PICTURE, "sticker_id": _THUMBS_UP}}
_IMAGE: Final = {"type": "image", "payload": {"url": _PICTURE}}
_TOPIC: Final = {
    "type": "notification_messages",
    "title": "{data[topic]}",
    "payload": "SUBSCRIBE",
    "notification_messages_frequency": "{data[frequency]}",
}
_TOKEN: Final = {
    "notification_messages_token": "{data[token]}",
    "token_expiry_timestamp": "{data[expires_at]}",
}
_MESSENGER: Final[dict[str, Item]] = {
    "message.received text": {"message": _ID | {"text": "{data[text]}"}},
    "message.received sticker": {"message": _ID | {"sticker_id": _THUMBS_UP, "attachments": [_STICKER]}},
    "message.received image": {"message": _ID | {"attachments": [_IMAGE]}},
    "message.edited text": {"message_edit": _ID | {"text": "{data[text]}", "num_edit": 1}},
    "message.unsent": {"message": _ID | {"is_deleted": True}},
    "bot.interacted": {"postback": {"mid": "m_{id}", "title": "點選", "payload": "{data[payload]}"}},
    "notification.opted_in": {"optin": _TOPIC | _TOKEN},
    "notification.opted_out": {"optin": _TOPIC | {"notification_messages_status": "STOP_NOTIFICATIONS"}},
}


def _messenger(name: str, kind: str) -> Sender:
    def body(items: list[Item], *_: object) -> bytes:
        entry = {"id": brand.ACCOUNTS[name], "time": items[-1]["timestamp"], "messaging": items}
        return orjson.dumps({"object": kind, "entry": [entry]})

    common = {"sender": {"id": "{uid}"}, "recipient": {"id": "{account}"}, "timestamp": "{at}"}
    return Sender(
        path=f"/webhooks/meta/demo-{name}",
        largest=12,
        item=templated(common, _MESSENGER),
        kinds=_MESSENGER,
        body=body,
        credential="signature",
    )


FACEBOOK: Final = _messenger("facebook", "page")
INSTAGRAM: Final = _messenger("instagram", "instagram")

# An item of WhatsApp is the value of one change: a message with the sender's name, a status, a preference, or a change
# of number. Its timestamps are in seconds.
_USER: Final = {"wa_id": "{uid}", "user_id": "{user_id}"}
_NAMED: Final = {"contacts": [_USER | {"profile": {"name": "{last[data][display_name]}"}}]}
_MOVED: Final = {
    "type": "user_changed_number",
    "body": "User changed from {uid} to {last[contact][uid]}",
    "wa_id": "{last[contact][uid]}",
    "user_id": "{last_user_id}",
}


def _message(kind: str, content: Any, given: str = "{data[message_id]}") -> Item:
    sender = {"from": "{uid}", "from_user_id": "{user_id}", "timestamp": "{seconds!s}"}
    return {"messages": [sender | {"id": given, "type": kind, kind: content}]}


def _preference(value: str) -> Item:
    preference = {"category": "marketing_messages", "value": value, "timestamp": "{seconds}"}
    return {"contacts": [_USER], "user_preferences": [preference | _USER]}


_EDITED: Final = {
    "original_message_id": "{data[message_id]}",
    "message": {"type": "text", "text": {"body": "{data[text]}"}},
}
_STATUS: Final = {
    "id": "{data[message_id]}",
    "status": "{data[status]}",
    "timestamp": "{seconds!s}",
    "recipient_id": "{uid}",
    "recipient_user_id": "{user_id}",
}
_NEW_ID: Final = "wamid.{id}"
_WHATSAPP: Final[dict[str, Item]] = {
    "message.received text": _NAMED | _message("text", {"body": "{data[text]}"}),
    "message.received sticker": _NAMED | _message("sticker", {"id": "{id}", "mime_type": "image/webp"}),
    "message.received image": _NAMED | _message("image", {"id": "{id}", "mime_type": "image/jpeg"}),
    "message.edited text": _NAMED | _message("edit", _EDITED, _NEW_ID),
    "bot.interacted": _NAMED | _message("button", {"payload": "{data[payload]}", "text": "點選"}, _NEW_ID),
    "contact.superseded": _message("system", _MOVED, _NEW_ID),
    "team.message_status": {"statuses": [_STATUS]},
    "marketing.opted_out": _preference("stop"),
    "marketing.opted_in": _preference("resume"),
}


def _changes(values: list[Item], *_: object) -> bytes:
    changes = [
        {"field": "user_preferences" if "user_preferences" in value else "messages", "value": value} for value in values
    ]
    entry = {"id": brand.WHATSAPP_BUSINESS, "changes": changes}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


WHATSAPP: Final = Sender(
    path="/webhooks/meta/demo-whatsapp",
    largest=6,
    item=templated(
        {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": brand.WHATSAPP_NUMBER, "phone_number_id": "{account}"},
        },
        _WHATSAPP,
    ),
    kinds=_WHATSAPP,
    body=_changes,
    credential="signature",
)
