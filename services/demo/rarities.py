"""What happens a few times a year, and matters when it does: each kind at least once in any life but the smallest."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.arrivals import ALL_KINDS
from services.demo.bindings import omnilink
from services.demo.diary import Diary
from services.demo.people import Contact, Person, contact_on
from services.demo.rhythm import HOUR, MINUTE, YEAR, moment
from services.demo.sessions import regret
from services.demo.voice import message_id, say


def add_rarities(diary: Diary, people: list[Person], each: int) -> None:
    """Every rare thing so many times, to somebody on a channel where it happens."""
    for happens, channels in _RARITIES:
        candidates = [contact for person in people for channel in channels if (contact := person.on(channel))]
        owners = {contact: person for person in people for contact in person.contacts}
        for contact in diary.rng.choices(candidates, k=each) if candidates else ():
            person = owners[contact]
            happens(diary, person, contact, moment(diary.rng, person.joined_at + HOUR, diary.until_ms - HOUR))


def _later(diary: Diary, at: int) -> int:
    return moment(diary.rng, at + MINUTE, diary.until_ms)


def _new_number(diary: Diary, _: Person, old: Contact, at: int) -> None:
    """A WhatsApp number was changed: the old contact is reached no more."""
    new = contact_on(diary.rng, "whatsapp", 0, f"+8869001{diary.rng.randint(0, 99_999):05d}")
    hello = {"message_id": message_id(diary, new), "kind": "text", "text": brand.NEW_NUMBER}
    diary.went_away(old, at)
    diary.names[new.key] = diary.names[old.key]
    say(diary, old, at, "contact.superseded", {"by": new.ref})
    say(diary, new, at, "identity.bound", {"linked_contact": old.ref, "via": "channel"})
    say(diary, new, at + MINUTE, "message.received", hello)


def _unknown(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """A type that nobody told Onefold about: kept, shown in the timeline, and nothing else."""
    data = {"points": diary.rng.randint(10, 500), "note": "由點數系統送出"}
    diary.note(at, contact, diary.rng.choice(brand.UNKNOWN_TYPES), data, "loyalty")


def _notification_off(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    topic: dict[str, Any] = {"topic": "新品通知", "frequency": "weekly"}
    token = {"token": f"nt-{diary.rng.getrandbits(96):024x}", "expires_at": at + YEAR}
    say(diary, contact, at, "notification.opted_in", topic | token)
    say(diary, contact, _later(diary, at), "notification.opted_out", topic)


def _tag_removed(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    tag = diary.rng.choice(brand.TAGS)
    diary.note(at, contact, "tag.added", {"tag": tag, "source": "import"}, "console")
    diary.note(at + MINUTE, contact, "tag.added", {"tag": tag, "source": "manual"}, "console")
    diary.note(_later(diary, at), contact, "tag.removed", {"tag": tag, "source": "manual"}, "console")


def _attribute_unset(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    appointment = {"key": "tasting_at", "value": "2026-11-01T14:00:00", "type": "datetime"}
    diary.note(at, contact, "attribute.set", appointment, "console")
    diary.note(_later(diary, at), contact, "attribute.unset", {"key": "tasting_at"}, "console")


def _moved_away(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """The customer goes to another branch; later nobody in particular looks after them."""
    other = diary.rng.choice(brand.BRANCHES)
    bond = {"member": other.staff[0][0], "branch": other.code}
    diary.note(at, contact, "omo.bound", bond, "store")
    diary.note(_later(diary, at), contact, "omo.unbound", bond, "store")


def _channel_to_channel(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """OmniLink: from one social channel to LINE."""
    line = person.on("line")
    if line:
        omnilink(diary, contact, line, at)


def _renamed(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    diary.note(at, contact, "profile.updated", {"display_name": f"{person.name[-1]}寶 ☕"}, "channels")


def _quiet_by_staff(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """A member of staff takes a customer off every list, and later puts them back on one."""
    back = _later(diary, at)
    diary.wants_quiet(contact, at, back)
    diary.note(at, contact, "marketing.opted_out", {"kinds": list(ALL_KINDS), "by": "S101"}, "console")
    diary.note(back, contact, "marketing.opted_in", {"kinds": ["broadcast"], "by": "S101"}, "console")


def _switched_off(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """WhatsApp's own switch for all of a business's marketing, off and on again."""
    back = _later(diary, at)
    diary.wants_quiet(contact, at, back)
    for when, wish in ((at, "out"), (back, "in")):
        say(diary, contact, when, f"marketing.opted_{wish}", {"kinds": list(ALL_KINDS), "by": "customer"})


_Rarity = Callable[[Diary, Person, Contact, int], None]
_RARITIES: Final[tuple[tuple[_Rarity, tuple[str, ...]], ...]] = (
    (_new_number, ("whatsapp",)),
    (_unknown, ("line", "crm")),
    (_notification_off, ("facebook",)),
    (_tag_removed, ("line", "facebook", "instagram")),
    (_attribute_unset, ("crm", "line")),
    (_moved_away, ("line", "whatsapp")),
    (_channel_to_channel, ("facebook", "instagram", "whatsapp")),
    (_renamed, ("line", "facebook", "instagram")),
    (_quiet_by_staff, ("line", "facebook")),
    (_switched_off, ("whatsapp",)),
    (regret, ("facebook",)),
    (regret, ("instagram",)),
    (regret, ("whatsapp",)),
)
