"""What the channels themselves tell, and what they vouch for."""

from typing import Any, Final

from services.demo import brand
from services.demo.diary import Diary
from services.demo.people import Contact

CHANNEL_SOURCES: Final = {"line": "line", "facebook": "messenger", "instagram": "instagram", "whatsapp": "whatsapp"}
_WITH_A_NAME: Final = frozenset({"message.received", "message.edited", "bot.interacted"})


def say(diary: Diary, contact: Contact, at: int, type_name: str, data: dict[str, Any]) -> None:
    """Something that the channel itself tells, with what it vouches for; WhatsApp sends the name along each time."""
    source = CHANNEL_SOURCES[contact.channel]
    diary.note(at, contact, type_name, data, source, intrinsic_of(contact))
    if contact.key in diary.names and type_name in _WITH_A_NAME:
        diary.note(at, contact, "profile.updated", {"display_name": diary.names[contact.key]}, source)


def message_id(diary: Diary, contact: Contact) -> str:
    """An id of the kind that the channel gives its messages."""
    rng = diary.rng
    match contact.channel:
        case "facebook":
            return f"m_{rng.getrandbits(128):032x}"
        case "instagram":
            return f"aWdf{rng.getrandbits(128):032x}"
        case "whatsapp":
            return f"wamid.{rng.getrandbits(128):032X}"
        case _:
            return str(rng.randint(10**17, 10**18 - 1))


def intrinsic_of(contact: Contact) -> list[dict[str, str]]:
    """The identifiers that the channel itself vouches for."""
    match contact.channel:
        case "line":
            return [{"type": "line_user", "value": f"{brand.LINE_PROVIDER}:{contact.uid}"}]
        case "facebook":
            return [{"type": "facebook_user", "value": f"{contact.account}:{contact.uid}"}]
        case "whatsapp":
            bsuid = f"{brand.WHATSAPP_PORTFOLIO}:TW.{int(contact.uid) * 7919}"
            return [
                {"type": "phone", "value": f"+{contact.uid}"},
                {"type": "whatsapp_user", "value": bsuid},
            ]
        case "crm":
            return [{"type": "member_id", "value": contact.uid}]
        case _:
            return []
