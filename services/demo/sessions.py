"""A visit: what somebody does in one sitting, and what the brand does in answer."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.bindings import log_in
from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import PREFERENCE, Contact, Person
from services.demo.rhythm import HOUR, MINUTE, moment, soon
from services.demo.voice import intrinsic_of, message_id, say

_STICKERS: Final = (("446", "1988"), ("446", "2027"), ("789", "10855"), ("11537", "52002734"))


def visit(diary: Diary, person: Person) -> None:
    """One visit at some time while the person cares for the brand; of one who has blocked the account, a failure."""
    rng = diary.rng
    contact = rng.choices(person.contacts, [PREFERENCE[contact.channel] for contact in person.contacts])[0]
    at = moment(rng, person.joined_at + HOUR, min(person.left_at, diary.until_ms - 3 * HOUR))
    if diary.reaches(contact, at):
        script = rng.choices(*zip(*_SCRIPTS[contact.channel], strict=True))[0]
        script(diary, person, contact, at)
    else:
        status = {"message_id": f"out-{rng.getrandbits(64):016x}", "status": "failed"}
        diary.note(at, contact, "team.message_status", status, "console")


def fill_in(text: str, diary: Diary, person: Person) -> str:
    """The text with a product, a branch and a member of staff in it."""
    _, agent = diary.rng.choice(person.branch.staff)
    return text.format(product=diary.rng.choice(brand.PRODUCTS).name, branch=person.branch.name, agent=agent)


def write(diary: Diary, contact: Contact, at: int, text: str) -> str:
    """The person writes; the message's id."""
    return _receive(diary, contact, at, {"kind": "text", "text": text})


def _receive(diary: Diary, contact: Contact, at: int, message: dict[str, Any]) -> str:
    given = message_id(diary, contact)
    say(diary, contact, at, "message.received", {"message_id": given} | message)
    return given


def tap(diary: Diary, contact: Contact, at: int, payload: str) -> None:
    """A button of the bot's, or of a campaign's message."""
    action = "button" if contact.channel == "whatsapp" else "postback"
    say(diary, contact, at, "bot.interacted", {"action": action, "payload": payload})


def talk(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """A question, an answer by a member of staff, and often a thank-you."""
    rng = diary.rng
    write(diary, contact, at, fill_in(rng.choice(brand.QUESTIONS), diary, person))
    at = soon(rng, at, 12 * MINUTE)
    member, _ = rng.choice(person.branch.staff)
    answer = fill_in(rng.choice(brand.ANSWERS), diary, person)
    sent = {"purpose": "conversation", "message_id": f"out-{rng.getrandbits(64):016x}", "agent": member, "text": answer}
    diary.note(at, contact, "team.message_sent", sent, "console")
    if contact.channel == "whatsapp":
        status = {"message_id": sent["message_id"], "status": rng.choice(("delivered", "read", "read"))}
        say(diary, contact, soon(rng, at, 2 * MINUTE), "team.message_status", status)
    if chance(rng, 60):
        write(diary, contact, soon(rng, at, 3 * MINUTE), rng.choice(brand.THANKS))
    if chance(rng, 25):
        tag = {"tag": rng.choice(brand.TAGS), "source": "manual"} | ({"expires_after": 90} if chance(rng, 20) else {})
        diary.note(soon(rng, at, 5 * MINUTE), contact, "tag.added", tag, "console")


def _tap(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """Some taps on the bot's menu."""
    rng = diary.rng
    for _tap_number in range(rng.choice((1, 1, 1, 2, 3))):
        tap(diary, contact, at, rng.choice(brand.BOT_ACTIONS))
        at = soon(rng, at, MINUTE // 2)
    if chance(rng, 40):
        diary.note(at, contact, "team.message_sent", {"purpose": "bot", "text": brand.BOT_REPLY}, "bot")
    if chance(rng, 20):
        tag = {"tag": rng.choice(brand.TAGS), "source": "chatbot_button", "expires_after": rng.choice((30, 90, 365))}
        diary.note(at + 300, contact, "tag.added", tag, "bot")


def _sticker(diary: Diary, _: Person, contact: Contact, at: int) -> None:
    """A sticker or a picture, and nothing else."""
    package, sticker = diary.rng.choice(_STICKERS)
    payload = {"payload": {"packageId": package, "stickerId": sticker}} if contact.channel == "line" else {}
    sent = contact.channel != "instagram" and chance(diary.rng, 70)  # where a sticker is a picture
    _receive(diary, contact, at, {"kind": "sticker"} | payload if sent else {"kind": "image"})


def regret(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """A message taken back, or changed where the channel allows it."""
    text = fill_in(diary.rng.choice(brand.QUESTIONS), diary, person)
    given, at_once = write(diary, contact, at, text), soon(diary.rng, at, MINUTE)
    if contact.channel in {"line", "instagram"}:
        say(diary, contact, at_once, "message.unsent", {"message_id": given})
    else:
        edited = {"message_id": given, "kind": "text", "text": text + brand.AFTERTHOUGHT}
        say(diary, contact, at_once, "message.edited", edited)


def _browse(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """Looking round the shop; now and then a cart, which is paid for or left to a reminder."""
    rng = diary.rng
    diary.note(at, contact, "web.tracked", _seen("page_viewed", brand.SITE + rng.choice(brand.PAGES)), "site")
    product = rng.choice(brand.PRODUCTS)
    facts = {"sku": product.sku, "name": product.name, "price": product.price}
    for step, share in (("product_viewed", 80), ("product_added", 45), ("order_completed", 50)):
        if not chance(rng, share):
            if step == "order_completed":
                _remind(diary, person, product, soon(rng, at, 2 * HOUR))
            return
        at = soon(rng, at, 2 * MINUTE)
        diary.note(at, contact, "web.tracked", _seen(step, product.url, facts), "site")
    _paid(diary, person, product, at + 500)


def _seen(event: str, url: str, properties: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"event": event, "url": url} | ({"properties": properties} if properties else {})


def _remind(diary: Diary, person: Person, product: brand.Product, at: int) -> None:
    """The cart's reminder goes to the social channel that the browser is bound to."""
    social = person.on("line") or person.on("facebook")
    if social and diary.reaches(social, at, marketing=True):
        text = brand.CART_REMINDER.format(product=product.name)
        reminder = {"purpose": "cart_remarketing", "campaign": "購物車再行銷", "text": text}
        diary.note(at, social, "team.message_sent", reminder, "campaigns")


def _paid(diary: Diary, person: Person, product: brand.Product, at: int) -> None:
    """What the till knows after an order, on the member's own record where there is one."""
    record = person.on("crm")
    if record:
        spent = {"key": "total_spent", "value": product.price * diary.rng.randint(1, 6), "type": "number"}
        diary.note(at, record, "attribute.set", spent, "pos", intrinsic_of(record))


def _buy_in_store(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """A purchase at the counter, with the member's number."""
    _paid(diary, person, diary.rng.choice(brand.PRODUCTS), at)
    tag = {"tag": f"{person.branch.name}消費", "source": "third_party_system", "expires_after": 180}
    diary.note(at, contact, "tag.added", tag, "pos", intrinsic_of(contact))


def _log_in(diary: Diary, person: Person, contact: Contact, at: int) -> None:
    """Logging in again, or just looking when there is no account."""
    if person.member_id is None:
        _browse(diary, person, contact, at)
        return
    log_in(diary, person, contact, at)


_Script = Callable[[Diary, Person, Contact, int], None]
_CHAT: Final[tuple[tuple[_Script, int], ...]] = ((talk, 44), (_tap, 44), (_sticker, 9), (regret, 3))
_SCRIPTS: Final[dict[str, tuple[tuple[_Script, int], ...]]] = {
    **dict.fromkeys(("line", "facebook", "instagram", "whatsapp"), _CHAT),
    "web": ((_browse, 92), (_log_in, 8)),
    "crm": ((_buy_in_store, 1),),
}
