"""What happens once per person: the first events on each channel, bindings, and perhaps blocking or opting out."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.bindings import add_bindings, log_in
from services.demo.people import Contact, Person
from services.demo.timing import DAY, HOUR, MINUTE, YEAR, chance, random_time, time_after
from services.demo.year import FOREVER, Year, message_id

MARKETING_KINDS: Final = ("broadcast", "cart_remarketing", "web_push")


def add_arrival(year: Year, person: Person) -> None:
    """Add everything that happens once: first events, bindings, blocking, opting out."""
    at = person.joined_at
    for contact in person.contacts:
        add_first_events(year, person, contact, at)
        at = min(time_after(year.rng, at, 9 * DAY), year.until_ms - HOUR)
    add_bindings(year, person, at)
    _maybe_block(year, person)
    _maybe_opt_out(year, person)


def add_first_events(year: Year, person: Person, contact: Contact, at: int) -> None:
    """Add what happens when a person turns up on a channel."""
    _FIRST_EVENTS[contact.channel](year, person, contact, at)


def _line(year: Year, person: Person, contact: Contact, at: int) -> None:
    rng = year.rng
    year.add_from_channel(at, contact, "contact.followed", {"via": "add_friend"})
    if chance(rng, 60):
        year.add(at + 900, contact, "team.message_sent", {"purpose": "welcome", "text": brand.WELCOME}, "bot")
    if chance(rng, 45):
        _profile(year, person, contact, at + 1500)
    if chance(rng, 30):
        tag = {"tag": rng.choice(("永康店掃碼", "官網加好友", "包裝卡 QR")), "source": "line_rich_menu"}
        year.add(at + 5000, contact, "tag.added", tag, "bot")
    if chance(rng, 16):
        since = time_after(rng, at, 20 * DAY)
        member, _ = rng.choice(person.branch.staff)
        year.add(since, contact, "omo.bound", {"member": member, "branch": person.branch.code}, "store")


def _facebook(year: Year, person: Person, contact: Contact, at: int) -> None:
    rng = year.rng
    year.add_from_channel(at, contact, "bot.interacted", {"action": "postback", "payload": "GET_STARTED"})
    if chance(rng, 70):
        _profile(year, person, contact, at + 1200)
    if chance(rng, 35):
        topic = {"topic": rng.choice(("新品通知", "每週茶訊")), "frequency": "weekly"}
        token = {"token": f"nt-{rng.getrandbits(96):024x}", "expires_at": at + YEAR}
        year.add_from_channel(time_after(rng, at, 4 * MINUTE), contact, "notification.opted_in", topic | token)


def _instagram(year: Year, person: Person, contact: Contact, at: int) -> None:
    hello = {"message_id": message_id(year, contact), "kind": "text", "text": year.rng.choice(brand.INSTAGRAM_HELLOS)}
    year.add_from_channel(at, contact, "message.received", hello)
    _profile(year, person, contact, at + 1100)


def _whatsapp(year: Year, person: Person, contact: Contact, at: int) -> None:
    year.display_names[contact.key] = person.nickname
    hello = {"message_id": message_id(year, contact), "kind": "text", "text": brand.WHATSAPP_HELLO}
    year.add_from_channel(at, contact, "message.received", hello)


def _web(year: Year, person: Person, contact: Contact, at: int) -> None:
    landing = {"event": "page_viewed", "url": brand.SITE + year.rng.choice(brand.PAGES)}
    year.add(at, contact, "web.tracked", landing, "site")
    if person.member_id and chance(year.rng, 70):
        log_in(year, person, contact, time_after(year.rng, at, 6 * MINUTE))


def _crm(year: Year, person: Person, contact: Contact, at: int) -> None:
    """The CRM's record of the member: several events of one time."""
    rng = year.rng
    record = {"identifiers": person.login_identifiers[1:], "via": "import"}
    year.add(at, contact, "identity.bound", record, "pos")
    year.add(at, contact, "profile.updated", {"display_name": person.name}, "pos")
    level = rng.choices(brand.LEVELS, (60, 25, 11, 4))[0]
    birthday = f"{rng.randint(1958, 2006)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    attributes: list[dict[str, Any]] = [
        {"key": "member_level", "value": level, "type": "text"},
        {"key": "birthday", "value": birthday, "type": "date"},
        {"key": "newsletter", "value": chance(rng, 60), "type": "boolean"},
    ]
    for attribute in rng.sample(attributes, rng.randint(1, 3)):
        year.add(at, contact, "attribute.set", attribute, "pos")


_FIRST_EVENTS: Final[dict[str, Callable[[Year, Person, Contact, int], None]]] = {
    "line": _line,
    "facebook": _facebook,
    "instagram": _instagram,
    "whatsapp": _whatsapp,
    "web": _web,
    "crm": _crm,
}


def _profile(year: Year, person: Person, contact: Contact, at: int) -> None:
    avatar = f"https://cdn.example.com/avatars/{contact.uid[-8:]}.jpg"
    profile = {"display_name": person.nickname, "avatar": avatar, "locale": person.locale}
    year.add(at, contact, "profile.updated", profile, "channels")


def _maybe_block(year: Year, person: Person) -> None:
    """On LINE people block instead of unsubscribing; on other channels a button of the bot does it."""
    rng = year.rng
    for contact in person.contacts:
        if contact.channel in {"web", "crm"} or not chance(rng, 13 if contact.channel == "line" else 4):
            continue
        since = random_time(rng, person.joined_at + HOUR, year.until_ms)
        until = time_after(rng, since, 40 * DAY)
        returns = chance(rng, 30) and until < year.until_ms
        block(year, contact, since, until if returns else None)


def block(year: Year, contact: Contact, since: int, until: int | None = None) -> None:
    """The contact blocks the account and, if ``until`` is given, follows it again then."""
    on_line = contact.channel == "line"
    source = "line" if on_line else "bot"
    year.block(contact, since, until or FOREVER)
    year.add(since, contact, "contact.blocked", {"via": "block" if on_line else "bot_button"}, source)
    if until:
        year.add(until, contact, "contact.followed", {"via": "unblock" if on_line else "bot_button"}, source)


def _maybe_opt_out(year: Year, person: Person) -> None:
    """A few opt out of marketing without blocking, most of them of all three kinds; some opt in again."""
    rng, contact = year.rng, person.on("line") or person.contacts[0]
    if contact.channel in {"web", "crm"} or not chance(rng, 4):
        return
    kinds = rng.choice((["broadcast"], ["cart_remarketing"], *[list(MARKETING_KINDS)] * 3))
    source = "bot"
    if contact.channel == "whatsapp":  # it has one switch for all marketing
        kinds, source = list(MARKETING_KINDS), "whatsapp"
    since = random_time(rng, person.joined_at + HOUR, year.until_ms)
    until = time_after(rng, since, 60 * DAY)
    year.add(since, contact, "marketing.opted_out", {"kinds": kinds, "by": "customer"}, source)
    if chance(rng, 30) and until < year.until_ms:
        year.add(until, contact, "marketing.opted_in", {"kinds": kinds, "by": "customer"}, source)
        year.opt_out(contact, since, until)
    else:
        year.opt_out(contact, since)
