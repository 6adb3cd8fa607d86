"""How a person comes to the brand: the first hours on each channel, and the bindings that tie the channels."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import Contact, Person
from services.demo.rhythm import DAY, HOUR, MINUTE, YEAR, moment, soon


def arrive(diary: Diary, person: Person) -> None:
    """Everything that is told once of a person: first contacts, profile, login, bindings."""
    at = person.joined_at
    for contact in person.contacts:
        first_hours(diary, person, contact, at)
        at = min(soon(diary.rng, at, 9 * DAY), diary.until_ms - HOUR)
    _bind(diary, person, at)
    _block(diary, person)
    _object(diary, person)


def first_hours(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """What happens when somebody turns up on a channel."""
    _FIRST_HOURS[contact.channel](diary, person, contact, at)


def intrinsic_of(contact: Contact) -> list[dict[str, str]]:
    """The identifiers that the channel itself vouches for."""
    match contact.channel:
        case "line":
            return [{"type": "line_user", "value": f"{brand.LINE_PROVIDER}:{contact.uid}"}]
        case "facebook":
            return [{"type": "facebook_user", "value": f"{contact.account}:{contact.uid}"}]
        case "whatsapp":
            bsuid = f"{brand.WHATSAPP_PORTFOLIO}:TW.{int(contact.uid) * 7919}"
            return [
                {"type": "phone", "value": f"+{contact.uid}"},
                {"type": "whatsapp_user", "value": bsuid},
            ]
        case "crm":
            return [{"type": "member_id", "value": contact.uid}]
        case _:
            return []


def _line(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    rng = diary.rng
    diary.note(at, contact, "contact.followed", {"via": "add_friend"}, "line", intrinsic_of(contact))
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
    rng, sure = diary.rng, intrinsic_of(contact)
    started = {"action": "get_started", "payload": "GET_STARTED"}
    diary.note(at, contact, "bot.interacted", started, "messenger", sure)
    if chance(rng, 70):
        _profile(diary, person, contact, at + 1200)
    if chance(rng, 35):
        notification = {
            "topic": rng.choice(("新品通知", "每週茶訊")),
            "frequency": "weekly",
            "token": f"nt-{rng.getrandbits(96):024x}",
            "expires_at": at + YEAR,
        }
        diary.note(soon(rng, at, 4 * MINUTE), contact, "notification.opted_in", notification, "messenger", sure)


def _instagram(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    hello = {
        "message_id": f"igm-{diary.rng.getrandbits(96):024x}",
        "text": diary.rng.choice(brand.INSTAGRAM_HELLOS),
    }
    diary.note(at, contact, "message.received", hello, "instagram")
    _profile(diary, person, contact, at + 1100)


def _whatsapp(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    hello = {"message_id": f"wamid.{diary.rng.getrandbits(96):024X}", "text": brand.WHATSAPP_HELLO}
    diary.note(at, contact, "message.received", hello, "whatsapp", intrinsic_of(contact))
    diary.note(at + 400, contact, "profile.updated", {"display_name": person.nickname}, "whatsapp")


def _web(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    landing = {"event": "page_viewed", "url": brand.SITE + diary.rng.choice(brand.PAGES)}
    diary.note(at, contact, "web.tracked", landing, "site")
    if person.member_id and chance(diary.rng, 70):
        log_in(diary, person, contact, soon(diary.rng, at, 6 * MINUTE))


def _crm(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    rng = diary.rng
    record = {"identifiers": person.known_identifiers[1:], "via": "import"}
    diary.note(at, contact, "identity.bound", record, "pos", intrinsic_of(contact))
    diary.note(at + 1, contact, "profile.updated", {"display_name": person.name}, "pos")
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
        diary.note(at + 2, contact, "attribute.set", attribute, "pos")


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


def _bind(diary: Diary, person: Person, at: int) -> None:
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
    diary.note(at, social, "identity.bound", binding, "site", intrinsic_of(social))


def omnilink(diary: Diary, contact: Contact, line: Contact, at: int) -> None:
    """From one social channel to LINE."""
    link = {"linked_contact": line.ref, "via": "omnilink"}
    diary.note(at, contact, "identity.bound", link, "console", intrinsic_of(contact))


def prove_phone(diary: Diary, contact: Contact, phone: str, at: int) -> None:
    """手機綁定: a one-time password, sent to the phone, came back."""
    proved = [{"type": "phone", "value": phone, "assurance": "verified"}]
    diary.note(at, contact, "identity.bound", {"identifiers": proved, "via": "phone_otp"}, "otp")


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
    kinds = rng.choice((["broadcast"], ["cart_remarketing"], *[["broadcast", "web_push", "cart_remarketing"]] * 3))
    out = moment(rng, person.joined_at + HOUR, diary.until_ms)
    back = soon(rng, out, 60 * DAY)
    diary.note(out, contact, "marketing.opted_out", {"kinds": kinds, "by": "customer"}, "bot")
    if chance(rng, 30) and back < diary.until_ms:
        diary.note(back, contact, "marketing.opted_in", {"kinds": kinds, "by": "customer"}, "bot")
        diary.wants_quiet(contact, out, back)
    else:
        diary.wants_quiet(contact, out)
