"""The events of the year while they are made, and when each contact can be reached."""

from collections import defaultdict
from typing import Any, Final, NamedTuple

from services.demo import brand
from services.demo.dice import Dice
from services.demo.people import Contact

CanonicalEvent = dict[str, Any]
Events = tuple[CanonicalEvent, ...]  # what a sender reports together: mostly one event
CHANNEL_SOURCES: Final = {"line": "line", "facebook": "messenger", "instagram": "instagram", "whatsapp": "whatsapp"}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LENGTH: Final = 26

# Which kinds of message each of these events allows or forbids.
_PERMISSIONS: Final = {
    "contact.followed": ("any", True),
    "contact.blocked": ("any", False),
    "contact.superseded": ("any", False),
    "marketing.opted_in": ("marketing", True),
    "marketing.opted_out": ("marketing", False),
}


class Happening(NamedTuple):
    """An event before it has a time and an id."""

    contact: Contact
    type: str
    source: str
    data: dict[str, Any]


class Year:
    """The events so far: at most ``limit``, none after ``until_ms``."""

    def __init__(self, dice: Dice, until_ms: int, limit: int) -> None:
        self.dice, self.until_ms, self.limit = dice, until_ms, limit
        self.reports: list[Events] = []
        self.count = 0
        self._permissions: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)

    @property
    def is_full(self) -> bool:
        """Whether no further event fits."""
        return self.count >= self.limit

    def add(self, at: int, *together: Happening) -> None:
        """Add events that their sender reports together, unless they come too late or are too many."""
        if at > self.until_ms or self.count + len(together) > self.limit:
            return
        self.reports.append(tuple(self._event(at, one) for one in together))
        self.count += len(together)
        for one in together:
            if one.type in _PERMISSIONS:
                self._permissions[one.contact.key].append((at, *_PERMISSIONS[one.type]))

    def reaches(self, contact: Contact, at: int, *, marketing: bool = False) -> bool:
        """Whether a message would arrive at that time and, if it is marketing, is allowed."""
        allowed = {kind: yes for since, kind, yes in sorted(self._permissions[contact.key]) if since <= at}
        return allowed.get("any", True) and (not marketing or allowed.get("marketing", True))

    def _event(self, at: int, one: Happening) -> CanonicalEvent:
        if one.source == "whatsapp":  # its timestamps are in seconds
            at -= at % 1000
        event = {
            "event_id": f"{one.source}:{_ulid(at, self.dice)}",
            "type": one.type,
            "contact": one.contact.ref,
            "occurred_at": at,
            "source": one.source,
            "data": one.data,
        }
        # Channels vouch for their contacts' own identifiers, and the CRM for its members'.
        by_channel = one.source in CHANNEL_SOURCES.values() and one.type != "profile.updated"
        intrinsic = _intrinsic_of(one.contact) if by_channel or one.source == "pos" else []
        return event | ({"intrinsic": intrinsic} if intrinsic else {})


def new_message_id(dice: Dice, channel: str) -> str:
    """Return a new id of the kind that the channel gives its messages."""
    match channel:
        case "facebook":
            return f"m_{dice.hex(32)}"
        case "instagram":
            return f"aWdf{dice.hex(32)}"
        case "whatsapp":
            return f"wamid.{dice.hex(32).upper()}"
        case _:
            return str(dice.randint(10**17, 10**18 - 1))


def _ulid(at: int, dice: Dice) -> str:
    """An id that sorts by time, as LINE gives its webhook events."""
    number = at << 80 | dice.getrandbits(80)
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_ULID_LENGTH)))


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
