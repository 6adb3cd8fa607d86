"""The events of the year while they are made, and when each contact can be reached."""

from collections import defaultdict
from random import Random
from typing import Any, Final

from services.demo import brand
from services.demo.people import Contact

CanonicalEvent = dict[str, Any]
CHANNEL_SOURCES: Final = {"line": "line", "facebook": "messenger", "instagram": "instagram", "whatsapp": "whatsapp"}
FOREVER: Final = 1 << 62
_SENT_WITH_NAME: Final = frozenset({"message.received", "message.edited", "bot.interacted"})
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LENGTH: Final = 26


class Year:
    """The events so far. Scripts add events and ask whether a contact can be reached at a time.

    No event lies after ``until_ms``. ``display_names`` holds, by contact key, the names that WhatsApp sends with each
    message.
    """

    def __init__(self, rng: Random, until_ms: int) -> None:
        self.rng, self.until_ms = rng, until_ms
        self.events: list[CanonicalEvent] = []
        self.display_names: dict[str, str] = {}
        self._blocked: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._opted_out: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def add(self, at: int, contact: Contact, type_name: str, data: dict[str, Any], source: str) -> None:
        """Add an event, unless ``at`` is after the end of the year."""
        if at > self.until_ms:
            return
        if source == "whatsapp":  # its timestamps are in seconds
            at -= at % 1000
        event = {
            "event_id": f"{source}:{_ulid(at, self.rng)}",
            "type": type_name,
            "contact": contact.ref,
            "occurred_at": at,
            "source": source,
            "data": data,
        }
        intrinsic = _intrinsic_of(contact) if _is_vouched_for(source, type_name) else []
        self.events.append(event | ({"intrinsic": intrinsic} if intrinsic else {}))

    def add_from_channel(self, at: int, contact: Contact, type_name: str, data: dict[str, Any]) -> None:
        """Add an event that the channel itself reports; WhatsApp sends the display name with each message."""
        source = CHANNEL_SOURCES[contact.channel]
        self.add(at, contact, type_name, data, source)
        if contact.key in self.display_names and type_name in _SENT_WITH_NAME:
            self.add(at, contact, "profile.updated", {"display_name": self.display_names[contact.key]}, source)

    def block(self, contact: Contact, since: int, until: int = FOREVER) -> None:
        """The contact can't be reached in this span."""
        self._blocked[contact.key].append((since, until))

    def opt_out(self, contact: Contact, since: int, until: int = FOREVER) -> None:
        """The contact accepts no marketing in this span."""
        self._opted_out[contact.key].append((since, until))

    def reaches(self, contact: Contact, at: int, *, marketing: bool = False) -> bool:
        """Whether a message would arrive at that time and, if it is marketing, is allowed."""
        spans = self._blocked[contact.key] + (self._opted_out[contact.key] if marketing else [])
        return not any(since <= at < until for since, until in spans)


def message_id(year: Year, contact: Contact) -> str:
    """Return a new id of the kind that the channel gives its messages."""
    rng = year.rng
    match contact.channel:
        case "facebook":
            return f"m_{rng.getrandbits(128):032x}"
        case "instagram":
            return f"aWdf{rng.getrandbits(128):032x}"
        case "whatsapp":
            return f"wamid.{rng.getrandbits(128):032X}"
        case _:
            return str(rng.randint(10**17, 10**18 - 1))


def _ulid(at: int, rng: Random) -> str:
    """An id that sorts by time, as LINE gives its webhook events."""
    number = at << 80 | rng.getrandbits(80)
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_ULID_LENGTH)))


def _is_vouched_for(source: str, type_name: str) -> bool:
    """Whether the sender vouches for the contact's own identifiers: channels do, and the CRM for its members."""
    return source == "pos" or (source in CHANNEL_SOURCES.values() and type_name != "profile.updated")


def _intrinsic_of(contact: Contact) -> list[dict[str, str]]:
    match contact.channel:
        case "line":
            return [{"type": "line_user", "value": f"{brand.LINE_PROVIDER}:{contact.uid}"}]
        case "facebook":
            return [{"type": "facebook_user", "value": f"{contact.account}:{contact.uid}"}]
        case "whatsapp":
            user = f"{brand.WHATSAPP_PORTFOLIO}:TW.{int(contact.uid) * 7919}"
            return [{"type": "phone", "value": f"+{contact.uid}"}, {"type": "whatsapp_user", "value": user}]
        case "crm":
            return [{"type": "member_id", "value": contact.uid}]
        case _:
            return []
