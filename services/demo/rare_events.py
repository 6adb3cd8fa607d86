"""Rare events: each kind happens at least once in every demo but the smallest."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.arrivals import MARKETING_KINDS
from services.demo.bindings import omnilink
from services.demo.people import Contact, Person, contact_on
from services.demo.timing import HOUR, MINUTE, YEAR, random_time
from services.demo.visits import edit_or_unsend
from services.demo.year import Year, message_id


def add_rare_events(year: Year, people: list[Person], times: int) -> None:
    """Add each kind ``times`` times, to people on a channel where it can happen."""
    owners = {contact: person for person in people for contact in person.contacts}
    for add, channels in _RARE_EVENTS:
        candidates = [contact for person in people for channel in channels if (contact := person.on(channel))]
        for contact in year.rng.choices(candidates, k=times) if candidates else ():
            person = owners[contact]
            add(year, person, contact, random_time(year.rng, person.joined_at + HOUR, year.until_ms - HOUR))


def _later(year: Year, at: int) -> int:
    return random_time(year.rng, at + MINUTE, year.until_ms)


def _change_number(year: Year, _: Person, old: Contact, at: int) -> None:
    """A WhatsApp user changes the phone number: the old contact is superseded by a new one."""
    new = contact_on(year.rng, "whatsapp", 0, f"+8869001{year.rng.randint(0, 99_999):05d}")
    hello = {"message_id": message_id(year, new), "kind": "text", "text": brand.NEW_NUMBER}
    year.block(old, at)
    year.display_names[new.key] = year.display_names[old.key]
    year.add_from_channel(at, old, "contact.superseded", {"by": new.ref})
    year.add_from_channel(at, new, "identity.bound", {"linked_contact": old.ref, "via": "channel"})
    year.add_from_channel(at + MINUTE, new, "message.received", hello)


def _send_unknown_type(year: Year, _: Person, contact: Contact, at: int) -> None:
    """An event type that Onefold does not know: kept in the log and the timeline."""
    data = {"points": year.rng.randint(10, 500), "note": "由點數系統送出"}
    year.add(at, contact, year.rng.choice(brand.UNKNOWN_TYPES), data, "loyalty")


def _stop_notifications(year: Year, _: Person, contact: Contact, at: int) -> None:
    topic: dict[str, Any] = {"topic": "新品通知", "frequency": "weekly"}
    token = {"token": f"nt-{year.rng.getrandbits(96):024x}", "expires_at": at + YEAR}
    year.add_from_channel(at, contact, "notification.opted_in", topic | token)
    year.add_from_channel(_later(year, at), contact, "notification.opted_out", topic)


def _remove_tag(year: Year, _: Person, contact: Contact, at: int) -> None:
    tag = year.rng.choice(brand.TAGS)
    year.add(at, contact, "tag.added", {"tag": tag, "source": "import"}, "console")
    year.add(at + MINUTE, contact, "tag.added", {"tag": tag, "source": "manual"}, "console")
    year.add(_later(year, at), contact, "tag.removed", {"tag": tag, "source": "manual"}, "console")


def _unset_attribute(year: Year, _: Person, contact: Contact, at: int) -> None:
    appointment = {"key": "tasting_at", "value": "2026-11-01T14:00:00", "type": "datetime"}
    year.add(at, contact, "attribute.set", appointment, "console")
    year.add(_later(year, at), contact, "attribute.unset", {"key": "tasting_at"}, "console")


def _unbind_branch(year: Year, _: Person, contact: Contact, at: int) -> None:
    other = year.rng.choice(brand.BRANCHES)
    bond = {"member": other.staff[0][0], "branch": other.code}
    year.add(at, contact, "omo.bound", bond, "store")
    year.add(_later(year, at), contact, "omo.unbound", bond, "store")


def _link_to_line(year: Year, person: Person, contact: Contact, at: int) -> None:
    line = person.on("line")
    if line:
        omnilink(year, contact, line, at)


def _rename(year: Year, person: Person, contact: Contact, at: int) -> None:
    year.add(at, contact, "profile.updated", {"display_name": f"{person.name[-1]}寶 ☕"}, "channels")


def _opt_out_by_staff(year: Year, _: Person, contact: Contact, at: int) -> None:
    """A member of staff opts the customer out of all marketing, and later into one kind again."""
    until = _later(year, at)
    year.opt_out(contact, at, until)
    year.add(at, contact, "marketing.opted_out", {"kinds": list(MARKETING_KINDS), "by": "S101"}, "console")
    year.add(until, contact, "marketing.opted_in", {"kinds": ["broadcast"], "by": "S101"}, "console")


def _opt_out_on_whatsapp(year: Year, _: Person, contact: Contact, at: int) -> None:
    """WhatsApp's own switch for all of a business's marketing, off and on again."""
    until = _later(year, at)
    year.opt_out(contact, at, until)
    for when, direction in ((at, "out"), (until, "in")):
        data = {"kinds": list(MARKETING_KINDS), "by": "customer"}
        year.add_from_channel(when, contact, f"marketing.opted_{direction}", data)


_Script = Callable[[Year, Person, Contact, int], None]
_RARE_EVENTS: Final[tuple[tuple[_Script, tuple[str, ...]], ...]] = (
    (_change_number, ("whatsapp",)),
    (_send_unknown_type, ("line", "crm")),
    (_stop_notifications, ("facebook",)),
    (_remove_tag, ("line", "facebook", "instagram")),
    (_unset_attribute, ("crm", "line")),
    (_unbind_branch, ("line", "whatsapp")),
    (_link_to_line, ("facebook", "instagram", "whatsapp")),
    (_rename, ("line", "facebook", "instagram")),
    (_opt_out_by_staff, ("line", "facebook")),
    (_opt_out_on_whatsapp, ("whatsapp",)),
    (edit_or_unsend, ("facebook",)),
    (edit_or_unsend, ("instagram",)),
    (edit_or_unsend, ("whatsapp",)),
)
