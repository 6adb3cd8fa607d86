"""The events of the year while they are made, and when each contact can be reached."""

from collections import defaultdict
from typing import Any, Final, NamedTuple

from services.demo import brand
from services.demo.dice import Dice
from services.demo.people import Contact

CanonicalEvent = dict[str, Any]
Events = tuple[CanonicalEvent, ...]  # what a sender reports together: mostly one event
CHANNEL_SOURCES: Final = {"line": "line", "facebook": "messenger", "instagram": "instagram", "whatsapp": "whatsapp"}

# Which kinds of message each of these events allows or forbids.
_PERMISSIONS: Final = {
    "contact.followed": ("any", True),
    "contact.blocked": ("any", False),
    "contact.superseded": ("any", False),
    "marketing.opted_in": ("marketing", True),
    "marketing.opted_out": ("marketing", False),
}


# These are the brand's own and have no contact, whoever's story they are of.
_OF_THE_BRAND: Final = frozenset({"member.merged"})


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
            "event_id": f"{one.source}:{at:013}{self.dice.hex(13).upper()}",  # sorts by time, and is as long as LINE's
            "type": one.type,
            "contact": None if one.type in _OF_THE_BRAND else one.contact.ref,
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
    digits = dice.hex(32)
    return {"facebook": f"m_{digits}", "instagram": f"aWdf{digits}", "whatsapp": f"wamid.{digits.upper()}"}.get(
        channel, str(dice.randint(10**17, 10**18 - 1))
    )


def _intrinsic_of(contact: Contact) -> list[dict[str, str]]:
    own = {
        "line": {"line_user": f"{brand.LINE_PROVIDER}:{contact.uid}"},
        "facebook": {"facebook_user": f"{contact.account}:{contact.uid}"},
        "whatsapp": {"phone": f"+{contact.uid}", "whatsapp_user": f"{brand.WHATSAPP_PORTFOLIO}:TW.{contact.uid[::-1]}"},
        "crm": {"member_id": contact.uid},
    }
    return [{"type": name, "value": value} for name, value in own.get(contact.channel, {}).items()]
