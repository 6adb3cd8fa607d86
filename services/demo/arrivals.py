"""How a person comes to the brand: the first hours on each channel, and the bindings that tie the channels."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.bindings import bind, log_in
from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import Contact, Person
from services.demo.rhythm import DAY, HOUR, MINUTE, YEAR, moment, soon
from services.demo.voice import intrinsic_of, message_id, say

ALL_KINDS: Final = ("broadcast", "cart_remarketing", "web_push")


def arrive(diary: Diary, person: Person) -> None:
    """Everything that is told once of a person: first contacts, profile, login, bindings."""
    at = person.joined_at
    for contact in person.contacts:
        first_hours(diary, person, contact, at)
        at = min(soon(diary.rng, at, 9 * DAY), diary.until_ms - HOUR)
    bind(diary, person, at)
    _block(diary, person)
    _object(diary, person)


def first_hours(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """What happens when somebody turns up on a channel."""
    _FIRST_HOURS[contact.channel](diary, person, contact, at)


def _line(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    rng = diary.rng
    say(diary, contact, at, "contact.followed", {"via": "add_friend"})
    if chance(rng, 60):
        diary.note(at + 900, contact, "team.message_sent", {"purpose": "welcome", "text": brand.WELCOME}, "bot")
    if chance(rng, 45):
        _profile(diary, person, contact, at + 1500)
    if chance(rng, 30):
        tag = {"tag": rng.choice(("永康店掃碼", "官網加好友", "包裝卡 QR")), "source": "line_rich_menu"}
        diary.note(at + 5000, contact, "tag.added", tag, "bot")
    if chance(rng, 16):
        _look_after(diary, person, contact, soon(rng, at, 20 * DAY))


def _facebook(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    rng = diary.rng
    say(diary, contact, at, "bot.interacted", {"action": "postback", "payload": "GET_STARTED"})
    if chance(rng, 70):
        _profile(diary, person, contact, at + 1200)
    if chance(rng, 35):
        notification = {
            "topic": rng.choice(("新品通知", "每週茶訊")),
            "frequency": "weekly",
            "token": f"nt-{rng.getrandbits(96):024x}",
            "expires_at": at + YEAR,
        }
        say(diary, contact, soon(rng, at, 4 * MINUTE), "notification.opted_in", notification)


def _instagram(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    hello = {"message_id": message_id(diary, contact), "kind": "text", "text": diary.rng.choice(brand.INSTAGRAM_HELLOS)}
    say(diary, contact, at, "message.received", hello)
    _profile(diary, person, contact, at + 1100)


def _whatsapp(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    diary.names[contact.key] = person.nickname
    hello = {"message_id": message_id(diary, contact), "kind": "text", "text": brand.WHATSAPP_HELLO}
    say(diary, contact, at, "message.received", hello)


def _web(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    landing = {"event": "page_viewed", "url": brand.SITE + diary.rng.choice(brand.PAGES)}
    diary.note(at, contact, "web.tracked", landing, "site")
    if person.member_id and chance(diary.rng, 70):
        log_in(diary, person, contact, soon(diary.rng, at, 6 * MINUTE))


def _crm(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """The member's record, as the till has it: all of one moment."""
    rng, sure = diary.rng, intrinsic_of(contact)
    record = {"identifiers": person.known_identifiers[1:], "via": "import"}
    diary.note(at, contact, "identity.bound", record, "pos", sure)
    diary.note(at, contact, "profile.updated", {"display_name": person.name}, "pos", sure)
    attributes: list[dict[str, Any]] = [
        {"key": "member_level", "value": rng.choices(brand.LEVELS, (60, 25, 11, 4))[0], "type": "text"},
        {
            "key": "birthday",
            "value": f"{rng.randint(1958, 2006)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "type": "date",
        },
        {"key": "newsletter", "value": chance(rng, 60), "type": "boolean"},
    ]
    for attribute in rng.sample(attributes, rng.randint(1, 3)):
        diary.note(at, contact, "attribute.set", attribute, "pos", sure)


_FIRST_HOURS: Final[dict[str, Callable[[Diary, Person, Contact, int], None]]] = {
    "line": _line,
    "facebook": _facebook,
    "instagram": _instagram,
    "whatsapp": _whatsapp,
    "web": _web,
    "crm": _crm,
}


def _profile(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    profile = {
        "display_name": person.nickname,
        "avatar": f"https://cdn.example.com/avatars/{contact.uid[-8:]}.jpg",
        "locale": person.locale,
    }
    diary.note(at, contact, "profile.updated", profile, "channels")


def _look_after(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    member, _ = diary.rng.choice(person.branch.staff)
    diary.note(at, contact, "omo.bound", {"member": member, "branch": person.branch.code}, "store")


def _block(diary: Diary, person: Person) -> None:
    """Blocking LINE is what people do instead of unsubscribing; elsewhere a button of the bot does it."""
    rng = diary.rng
    for contact in person.contacts:
        if contact.channel in {"web", "crm"} or not chance(rng, 13 if contact.channel == "line" else 4):
            continue
        away = moment(rng, person.joined_at + HOUR, diary.until_ms)
        back = soon(rng, away, 40 * DAY)
        returns = chance(rng, 30) and back < diary.until_ms
        block(diary, contact, away, back if returns else None)


def block(diary: Diary, contact: Contact, away: int, back: int | None = None) -> None:
    """The contact leaves, and perhaps comes back."""
    source = "line" if contact.channel == "line" else "bot"
    sure = intrinsic_of(contact) if source == "line" else None
    diary.went_away(contact, away, *([back] if back else []))
    diary.note(away, contact, "contact.blocked", {"via": "block" if sure else "bot_button"}, source, sure)
    if back:
        diary.note(back, contact, "contact.followed", {"via": "unblock" if sure else "bot_button"}, source, sure)


def _object(diary: Diary, person: Person) -> None:
    """Few opt out of marketing without blocking, most of them of all three kinds; some think again."""
    rng, contact = diary.rng, person.on("line") or person.contacts[0]
    if contact.channel in {"web", "crm"} or not chance(rng, 4):
        return
    kinds = rng.choice((["broadcast"], ["cart_remarketing"], *[list(ALL_KINDS)] * 3))
    source, sure = "bot", None
    if contact.channel == "whatsapp":  # a switch of its own, which is for all marketing
        kinds, source, sure = list(ALL_KINDS), "whatsapp", intrinsic_of(contact)
    out = moment(rng, person.joined_at + HOUR, diary.until_ms)
    back = soon(rng, out, 60 * DAY)
    diary.note(out, contact, "marketing.opted_out", {"kinds": kinds, "by": "customer"}, source, sure)
    if chance(rng, 30) and back < diary.until_ms:
        diary.note(back, contact, "marketing.opted_in", {"kinds": kinds, "by": "customer"}, source, sure)
        diary.wants_quiet(contact, out, back)
    else:
        diary.wants_quiet(contact, out)
