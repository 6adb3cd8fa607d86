"""The ways to tie a person's contacts: a site binding, a login, the member's card, a verified phone, OmniLink."""

from services.demo.people import Contact, Person
from services.demo.timing import DAY, HOUR, chance, time_after
from services.demo.year import Year


def add_bindings(year: Year, person: Person, at: int) -> None:
    """Add the bindings that a person makes after its contacts are there."""
    rng, line, web = year.rng, person.on("line"), person.on("web")
    social = line or person.on("facebook") or person.on("whatsapp")
    if social and web and chance(rng, 55):
        via = rng.choices(("site_button", "cart_tracker", "bot_button"), (45, 35, 20))[0]
        bind_browser(year, social, web, time_after(rng, at, 3 * HOUR), via)
    if line and chance(rng, 20):
        verify_phone(year, line, person.phone, time_after(rng, at, 5 * DAY))
    if line and person.member_id and chance(rng, 20):
        bind_member(year, person, line, time_after(rng, at, 5 * DAY))
    for channel in ("facebook", "instagram", "whatsapp"):
        contact = person.on(channel)
        if line and contact and chance(rng, 12):
            omnilink(year, contact, line, time_after(rng, at, 20 * DAY))


def bind_member(year: Year, person: Person, contact: Contact, at: int) -> None:
    """The member's card is shown in the chat."""
    year.add(at, contact, "identity.bound", {"identifiers": person.login_identifiers[:1], "via": "api"}, "shop")


def log_in(year: Year, person: Person, browser: Contact, at: int) -> None:
    """A login on the site."""
    year.add(at, browser, "identity.bound", {"identifiers": person.login_identifiers, "via": "login"}, "site")


def bind_browser(year: Year, social: Contact, browser: Contact, at: int, via: str) -> None:
    """官網綁定: a contact on a social channel is bound to a browser."""
    year.add(at, social, "identity.bound", {"linked_contact": browser.ref, "via": via}, "site")


def omnilink(year: Year, contact: Contact, line: Contact, at: int) -> None:
    """A contact of another social channel is linked to a LINE contact."""
    year.add(at, contact, "identity.bound", {"linked_contact": line.ref, "via": "omnilink"}, "console")


def verify_phone(year: Year, contact: Contact, phone: str, at: int) -> None:
    """手機綁定: a one-time password sent to the phone came back."""
    verified = [{"type": "phone", "value": phone, "assurance": "verified"}]
    year.add(at, contact, "identity.bound", {"identifiers": verified, "via": "phone_otp"}, "otp")
