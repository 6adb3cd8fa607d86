"""The featured customer: one of whom there is something to show in every part of a profile."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from services.demo import brand
from services.demo.arrivals import add_first_events
from services.demo.bindings import bind_browser, bind_member, log_in
from services.demo.people import Contact, Person, contact_on, member_id_of
from services.demo.timing import HOUR, MINUTE, random_time
from services.demo.visits import converse
from services.demo.year import CanonicalEvent, Year

_CHANNELS: Final = ("web", "crm", "whatsapp")
_INTERACTIONS: Final = frozenset({"message.received", "bot.interacted", "contact.followed"})
_MARKETING: Final = frozenset({"broadcast", "cart_remarketing"})


def add_featured_customer(year: Year, people: list[Person]) -> Person | None:
    """Complete the profile of the most active person whom LINE still reaches at the end, and return that person."""
    reachable = [
        (contact, person)
        for person in people
        if (contact := person.on("line")) and year.reaches(contact, year.until_ms, marketing=True)
    ]
    if not reachable:
        return None
    line, person = max(reachable, key=lambda pair: (pair[1].weight, pair[0].uid))
    for type_name, data, source in _profile_of(person):
        year.add(random_time(year.rng, person.joined_at, year.until_ms), line, type_name, data, source)
    _add_channels(year, person, line)
    converse(year, person, line, random_time(year.rng, person.joined_at, year.until_ms - HOUR))
    return person


def _profile_of(person: Person) -> list[tuple[str, dict[str, Any], str]]:
    tea, (member, _) = brand.PRODUCTS[0].name, person.branch.staff[0]
    reminder = brand.CART_CAMPAIGN | {"text": brand.CART_REMINDER.format(product=tea)}
    tag = ("tag.added", {"tag": "VIP", "source": "manual"}, "console")
    return [
        ("profile.updated", {"display_name": person.nickname, "locale": person.locale}, "channels"),
        tag,
        tag,
        ("attribute.set", {"key": "favourite_tea", "value": tea, "type": "text"}, "console"),
        ("attribute.set", {"key": "visits", "value": 12, "type": "number"}, "console"),
        ("omo.bound", {"member": member, "branch": person.branch.code}, "store"),
        ("team.message_sent", reminder, "campaigns"),
    ]


def _add_channels(year: Year, known: Person, line: Contact) -> None:
    """Add a browser, a CRM record and a WhatsApp contact where there are none, and the bindings that join them."""
    person = replace(known, member_id=known.member_id or member_id_of(known.number))
    for channel in _CHANNELS:
        at = random_time(year.rng, person.joined_at, year.until_ms - HOUR)
        contact = person.on(channel)
        if contact is None:
            contact = contact_on(year.rng, channel, person.number, person.phone)
            add_first_events(year, person, contact, at)
        if channel == "web":
            log_in(year, person, contact, at + 5 * MINUTE)
            bind_browser(year, line, contact, at + 9 * MINUTE, "site_button")
        if channel == "crm":
            bind_member(year, person, line, at + MINUTE)


def most_complete_contact(events: Iterable[CanonicalEvent]) -> dict[str, str]:
    """Return the contact whose profile has the most parts filled; ties go to the most event types, then by key."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for event in events:
        contact = event["contact"]
        found[contact["channel"], contact["account"], contact["uid"]] |= _parts_of(event)
    best = max(sorted(found), key=lambda contact: (sum(" " in part for part in found[contact]), len(found[contact])))
    return dict(zip(("channel", "account", "uid"), best, strict=True))


def _parts_of(event: CanonicalEvent) -> set[str]:
    """The event's type and, named in two words, the parts of a profile that it fills."""
    purpose = event["data"].get("purpose") if event["type"] == "team.message_sent" else None
    binding = event["data"] if event["type"] == "identity.bound" else {}
    parts = {
        "customer time": event["type"] in _INTERACTIONS,
        "team time": purpose == "conversation",
        "marketing time": purpose in _MARKETING,
        "display name": event["type"] == "profile.updated",
        "lasting tag": event["type"] == "tag.added" and "expires_after" not in event["data"],
        "custom attribute": event["type"] == "attribute.set",
        "bound staff": event["type"] == "omo.bound",
        "bound browser": binding.get("linked_contact") is not None,
        "member card": any(one["type"] == "member_id" for one in binding.get("identifiers", ())),
    }
    return {event["type"]} | {name for name, filled in parts.items() if filled}
