"""The featured customer, whose profile has something to show in every part."""

from dataclasses import replace
from typing import Any, Final

from services.demo import brand
from services.demo.arrivals import add_first_events
from services.demo.bindings import bind_browser, bind_member, log_in
from services.demo.people import Contact, Person, contact_on, member_id_of
from services.demo.timing import HOUR, MINUTE, random_time
from services.demo.visits import converse
from services.demo.year import Year

_CHANNELS: Final = ("web", "crm", "whatsapp")


def add_featured_customer(year: Year, people: list[Person]) -> tuple[Person, Contact] | None:
    """Complete the profile of the most active person that LINE still reaches at the end.

    Return the person and its LINE contact, if there is one.
    """
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
    return person, line


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
