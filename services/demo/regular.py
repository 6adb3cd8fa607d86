"""Somebody of whom there is everything to tell, on several channels: the face that the demo shows."""

from dataclasses import replace
from typing import Any, Final

from services.demo import brand
from services.demo.arrivals import first_hours
from services.demo.bindings import bind_browser, bind_member, log_in
from services.demo.diary import Diary
from services.demo.people import Contact, Person, contact_on, member_id_of
from services.demo.rhythm import HOUR, MINUTE, moment
from services.demo.sessions import talk

_EVERYWHERE: Final = ("web", "crm", "whatsapp")


def tell_of_a_regular(diary: Diary, people: list[Person]) -> Person | None:
    """However small the life, tell of the liveliest of those whom LINE reaches to the end; who that is, if anybody."""
    faithful = [
        (contact, person)
        for person in people
        if (contact := person.on("line")) and diary.reaches(contact, diary.until_ms, marketing=True)
    ]
    if not faithful:
        return None
    line, person = max(faithful, key=lambda pair: (pair[1].weight, pair[0].uid))
    _fill_profile(diary, person, line)
    _turn_up_everywhere(diary, person, line)
    talk(diary, person, line, moment(diary.rng, person.joined_at, diary.until_ms - HOUR))
    return person


def _fill_profile(diary: Diary, person: Person, line: Contact) -> None:
    branch = person.branch
    member, _ = branch.staff[0]
    tag, reminder = {"tag": "VIP", "source": "manual"}, brand.CART_REMINDER.format(product=brand.PRODUCTS[0].name)
    told: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("profile.updated", {"display_name": person.nickname, "locale": person.locale}, "channels"),
        ("tag.added", tag, "console"),
        ("tag.added", tag, "console"),
        ("attribute.set", {"key": "favourite_tea", "value": brand.PRODUCTS[0].name, "type": "text"}, "console"),
        ("attribute.set", {"key": "visits", "value": 12, "type": "number"}, "console"),
        ("omo.bound", {"member": member, "branch": branch.code}, "store"),
        (
            "team.message_sent",
            {"purpose": "cart_remarketing", "campaign": "購物車再行銷", "text": reminder},
            "campaigns",
        ),
    )
    for type_name, data, source in told:
        diary.note(moment(diary.rng, person.joined_at, diary.until_ms), line, type_name, data, source)


def _turn_up_everywhere(diary: Diary, known: Person, line: Contact) -> None:
    """A browser, the till and WhatsApp, where they aren't there yet, and the bindings that make them one."""
    person = replace(known, member_id=known.member_id or member_id_of(known.number))
    for channel in _EVERYWHERE:
        at = moment(diary.rng, person.joined_at, diary.until_ms - HOUR)
        contact = person.on(channel)
        if contact is None:
            contact = contact_on(diary.rng, channel, person.number, person.phone)
            first_hours(diary, person, contact, at)
        if channel == "web":
            log_in(diary, person, contact, at + 5 * MINUTE)
            bind_browser(diary, line, contact, at + 9 * MINUTE, "site_button")
        if channel == "crm":
            bind_member(diary, person, line, at + MINUTE)
