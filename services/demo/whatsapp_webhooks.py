"""WhatsApp's part of the life, in the shape in which WhatsApp's Cloud API sends it. Pure, and equal each time.

An item here is one change's value: a message with the name that comes along with it, a status, a preference, a change
of number. Two events of one moment may be one item: see ``letters``.
"""

from collections.abc import Sequence
from typing import Any, Final

from services.demo import brand
from services.demo.diary import CanonicalEvent

MOST_ITEMS: Final = 6
MESSAGES: Final = frozenset({"message.received", "message.edited", "bot.interacted"})
_ALONE: Final = frozenset({"team.message_status", "marketing.opted_out", "marketing.opted_in"})
NAME: Final = "profile.updated"
MOVED: Final = ("contact.superseded", "identity.bound")


def tells(event: CanonicalEvent) -> bool:
    """Whether WhatsApp itself tells of this event."""
    return bool(event["source"] == "whatsapp")


def moment_of(event: CanonicalEvent) -> tuple[str, int]:
    """What is equal for events of one item: whom it is about, and when."""
    contact = event["data"].get("linked_contact") if event["type"] == "identity.bound" else None
    return (contact or event["contact"])["uid"], event["occurred_at"]


def whole(events: Sequence[CanonicalEvent]) -> bool:
    """Whether the events of one moment are one item: all of what it tells, and nothing else."""
    types = [event["type"] for event in events]
    alone = len(types) == 1 and types[0] in MESSAGES | _ALONE
    return alone or types == list(MOVED) or (len(types) == 2 and types[0] in MESSAGES and types[1] == NAME)  # noqa: PLR2004 - a pair


def body(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One webhook's body."""
    changes = [
        {"field": "user_preferences" if "user_preferences" in value else "messages", "value": value} for value in values
    ]
    return {"object": "whatsapp_business_account", "entry": [{"id": brand.WHATSAPP_BUSINESS, "changes": changes}]}


def item(events: Sequence[CanonicalEvent]) -> dict[str, Any]:
    """The events of one moment as the value of one change."""
    event = events[0]
    number, data = event["contact"]["uid"], event["data"]
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": brand.WHATSAPP_NUMBER,
            "phone_number_id": event["contact"]["account"],
        },
    }
    seconds = event["occurred_at"] // 1000
    match event["type"]:
        case "team.message_status":
            status = {"id": data["message_id"], "status": data["status"], "timestamp": str(seconds)}
            who = {"recipient_id": number, "recipient_user_id": _bsuid(event)}
            return value | {"statuses": [status | who]}
        case "marketing.opted_out" | "marketing.opted_in":
            wish = "stop" if event["type"] == "marketing.opted_out" else "resume"
            preference = {"category": "marketing_messages", "value": wish, "timestamp": seconds}
            who = {"wa_id": number, "user_id": _bsuid(event)}
            return value | {"contacts": [who], "user_preferences": [preference | who]}
        case "contact.superseded":
            return value | {"messages": [_moved(event, events[1], seconds)]}
        case _:
            return value | {"contacts": [_person(events)], "messages": [_message(event, seconds)]}


def _person(events: Sequence[CanonicalEvent]) -> dict[str, Any]:
    person: dict[str, Any] = {"wa_id": events[0]["contact"]["uid"], "user_id": _bsuid(events[0])}
    names = [event["data"]["display_name"] for event in events[1:]]
    return person | ({"profile": {"name": names[0]}} if names else {})


def _message(event: CanonicalEvent, seconds: int) -> dict[str, Any]:
    data, own_id = event["data"], f"wamid.{event['event_id'].partition(':')[2]}"
    common = {
        "from": event["contact"]["uid"],
        "from_user_id": _bsuid(event),
        "id": data["message_id"] if event["type"] == "message.received" else own_id,
        "timestamp": str(seconds),
    }
    match event["type"]:
        case "message.received":
            return common | {"type": data["kind"], data["kind"]: _content(data)}
        case "message.edited":
            message = {"type": "text", "text": {"body": data["text"]}}
            return common | {"type": "edit", "edit": {"original_message_id": data["message_id"], "message": message}}
        case _:
            return common | {"type": "button", "button": {"payload": data["payload"], "text": "點選"}}


def _content(data: dict[str, Any]) -> dict[str, Any]:
    if data["kind"] == "text":
        return {"body": data["text"]}
    mime = "image/webp" if data["kind"] == "sticker" else "image/jpeg"
    return {"id": data["message_id"].removeprefix("wamid.")[:16], "mime_type": mime}


def _moved(old: CanonicalEvent, new: CanonicalEvent, seconds: int) -> dict[str, Any]:
    before, after = old["contact"]["uid"], new["contact"]["uid"]
    system = {
        "type": "user_changed_number",
        "body": f"User changed from {before} to {after}",
        "wa_id": after,
        "user_id": _bsuid(new),
    }
    return {
        "from": before,
        "from_user_id": _bsuid(old),
        "id": f"wamid.{old['event_id'].partition(':')[2]}",
        "timestamp": str(seconds),
        "type": "system",
        "system": system,
    }


def _bsuid(event: CanonicalEvent) -> str:
    """The person's id in the brand's portfolio, as it rides on all that WhatsApp tells."""
    (value,) = (one["value"] for one in event["intrinsic"] if one["type"] == "whatsapp_user")
    return str(value).partition(":")[2]
