"""Which person to show: one whose profile is full. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from services.demo.diary import CanonicalEvent

_TALKS = frozenset({"message.received", "bot.interacted", "contact.followed"})
_MARKETING = frozenset({"broadcast", "cart_remarketing"})


def showcase(events: Iterable[CanonicalEvent]) -> dict[str, str]:
    """The contact of whom most kinds of things are told; what the profile has places for comes before all else."""
    told: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for event in events:
        contact = event["contact"]
        told[contact["channel"], contact["account"], contact["uid"]] |= _aspects(event)
    best = max(sorted(told), key=lambda contact: _worth(told[contact]))
    return dict(zip(("channel", "account", "uid"), best, strict=True))


def _aspects(event: CanonicalEvent) -> set[str]:
    purpose = event["data"].get("purpose") if event["type"] == "team.message_sent" else None
    binding = event["data"] if event["type"] == "identity.bound" else {}
    essential = {
        "the customer's time": event["type"] in _TALKS,
        "the team's time": purpose == "conversation",
        "marketing's time": purpose in _MARKETING,
        "a name": event["type"] == "profile.updated",
        "a lasting tag": event["type"] == "tag.added" and "expires_after" not in event["data"],
        "an attribute": event["type"] == "attribute.set",
        "a member of staff": event["type"] == "omo.bound",
        "a browser": binding.get("linked_contact") is not None,
        "a member's card": any(one["type"] == "member_id" for one in binding.get("identifiers", ())),
    }
    return {event["type"]} | {name for name, there in essential.items() if there}


def _worth(aspects: set[str]) -> tuple[int, int]:
    return (sum(" " in aspect for aspect in aspects), len(aspects))
