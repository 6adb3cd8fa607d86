"""What ties a person's contacts: 官網綁定, a login, the member's card, a phone that was proved, OmniLink."""

from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import Contact, Person
from services.demo.rhythm import DAY, HOUR, soon


def bind(diary: Diary, person: Person, at: int) -> None:
    """The ways of 官網綁定, the phone proved by a one-time password, and the member's card shown in the chat."""
    rng, line, web = diary.rng, person.on("line"), person.on("web")
    social = line or person.on("facebook") or person.on("whatsapp")
    if social and web and chance(rng, 55):
        via = rng.choices(("site_button", "cart_tracker", "bot_button"), (45, 35, 20))[0]
        bind_browser(diary, social, web, soon(rng, at, 3 * HOUR), via)
    if line and chance(rng, 20):
        prove_phone(diary, line, person.phone, soon(rng, at, 5 * DAY))
    if line and person.member_id and chance(rng, 20):
        bind_member(diary, person, line, soon(rng, at, 5 * DAY))
    for channel in ("facebook", "instagram", "whatsapp"):
        contact = person.on(channel)
        if line and contact and chance(rng, 12):
            omnilink(diary, contact, line, soon(rng, at, 20 * DAY))


def bind_member(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """The shop's member is bound to the contact, as 91APP and others do in the chat; no browser is bound by it."""
    diary.note(at, contact, "identity.bound", {"identifiers": person.known_identifiers[:1], "via": "api"}, "shop")


def log_in(diary: Diary, person: Person, browser: Contact, at: int) -> None:
    """A login on the site: the member's number for sure, phone and e-mail as typed."""
    login = {"identifiers": person.known_identifiers, "via": "login"}
    diary.note(at, browser, "identity.bound", login, "site")


def bind_browser(diary: Diary, social: Contact, browser: Contact, at: int, via: str) -> None:
    """官網綁定: the contact on a social channel is the one who uses this browser."""
    binding = {"linked_contact": browser.ref, "via": via}
    diary.note(at, social, "identity.bound", binding, "site")


def omnilink(diary: Diary, contact: Contact, line: Contact, at: int) -> None:
    """From one social channel to LINE."""
    link = {"linked_contact": line.ref, "via": "omnilink"}
    diary.note(at, contact, "identity.bound", link, "console")


def prove_phone(diary: Diary, contact: Contact, phone: str, at: int) -> None:
    """手機綁定: a one-time password, sent to the phone, came back."""
    proved = [{"type": "phone", "value": phone, "assurance": "verified"}]
    diary.note(at, contact, "identity.bound", {"identifiers": proved, "via": "phone_otp"}, "otp")
