"""A visit: what a person does in one session, and what the brand does in answer."""

from collections.abc import Callable
from typing import Any, Final

from services.demo import brand
from services.demo.bindings import log_in
from services.demo.people import VISIT_WEIGHTS, Contact, Person
from services.demo.timing import HOUR, MINUTE, chance, random_time, time_after
from services.demo.year import Year, message_id

_STICKERS: Final = (("446", "1988"), ("446", "2027"), ("789", "10855"), ("11537", "52002734"))


def add_visit(year: Year, person: Person) -> None:
    """Add one visit on one of the person's channels; where the account is blocked, a message that failed."""
    rng = year.rng
    contact = rng.choices(person.contacts, [VISIT_WEIGHTS[contact.channel] for contact in person.contacts])[0]
    at = random_time(rng, person.joined_at + HOUR, min(person.left_at, year.until_ms - 3 * HOUR))
    if year.reaches(contact, at):
        script = rng.choices(*zip(*_SCRIPTS[contact.channel], strict=True))[0]
        script(year, person, contact, at)
    else:
        status = {"message_id": f"out-{rng.getrandbits(64):016x}", "status": "failed"}
        year.add(at, contact, "team.message_status", status, "console")


def receive_text(year: Year, contact: Contact, at: int, text: str) -> str:
    """Add a text message of the contact; return its message id."""
    return _receive(year, contact, at, {"kind": "text", "text": text})


def press_button(year: Year, contact: Contact, at: int, payload: str) -> None:
    """Add the press of a button in the bot's menu or in a campaign's message."""
    action = "button" if contact.channel == "whatsapp" else "postback"
    year.add_from_channel(at, contact, "bot.interacted", {"action": action, "payload": payload})


def converse(year: Year, person: Person, contact: Contact, at: int) -> None:
    """Add a question, the answer of a member of staff, and often thanks and a tag."""
    rng = year.rng
    receive_text(year, contact, at, _fill_in(rng.choice(brand.QUESTIONS), year, person))
    at = time_after(rng, at, 12 * MINUTE)
    member, _ = rng.choice(person.branch.staff)
    answer = _fill_in(rng.choice(brand.ANSWERS), year, person)
    sent = {"purpose": "conversation", "message_id": f"out-{rng.getrandbits(64):016x}", "agent": member, "text": answer}
    year.add(at, contact, "team.message_sent", sent, "console")
    if contact.channel == "whatsapp":
        status = {"message_id": sent["message_id"], "status": rng.choice(("delivered", "read", "read"))}
        year.add_from_channel(time_after(rng, at, 2 * MINUTE), contact, "team.message_status", status)
    if chance(rng, 60):
        receive_text(year, contact, time_after(rng, at, 3 * MINUTE), rng.choice(brand.THANKS))
    if chance(rng, 25):
        tag = {"tag": rng.choice(brand.TAGS), "source": "manual"} | ({"expires_after": 90} if chance(rng, 20) else {})
        year.add(time_after(rng, at, 5 * MINUTE), contact, "tag.added", tag, "console")


def edit_or_unsend(year: Year, person: Person, contact: Contact, at: int) -> None:
    """Add a message that is edited or, on channels that can't edit, unsent."""
    text = _fill_in(year.rng.choice(brand.QUESTIONS), year, person)
    given, later = receive_text(year, contact, at, text), time_after(year.rng, at, MINUTE)
    if contact.channel in {"line", "instagram"}:
        year.add_from_channel(later, contact, "message.unsent", {"message_id": given})
    else:
        edited = {"message_id": given, "kind": "text", "text": text + brand.AFTERTHOUGHT}
        year.add_from_channel(later, contact, "message.edited", edited)


def _fill_in(text: str, year: Year, person: Person) -> str:
    _, agent = year.rng.choice(person.branch.staff)
    return text.format(product=year.rng.choice(brand.PRODUCTS).name, branch=person.branch.name, agent=agent)


def _receive(year: Year, contact: Contact, at: int, message: dict[str, Any]) -> str:
    given = message_id(year, contact)
    year.add_from_channel(at, contact, "message.received", {"message_id": given} | message)
    return given


def _use_menu(year: Year, _: Person, contact: Contact, at: int) -> None:
    """Some presses in the bot's menu."""
    rng = year.rng
    for _press in range(rng.choice((1, 1, 1, 2, 3))):
        press_button(year, contact, at, rng.choice(brand.BOT_ACTIONS))
        at = time_after(rng, at, MINUTE // 2)
    if chance(rng, 40):
        year.add(at, contact, "team.message_sent", {"purpose": "bot", "text": brand.BOT_REPLY}, "bot")
    if chance(rng, 20):
        tag = {"tag": rng.choice(brand.TAGS), "source": "chatbot_button", "expires_after": rng.choice((30, 90, 365))}
        year.add(at + 300, contact, "tag.added", tag, "bot")


def _send_sticker(year: Year, _: Person, contact: Contact, at: int) -> None:
    """A sticker or a picture, and nothing else."""
    package, sticker = year.rng.choice(_STICKERS)
    payload = {"payload": {"packageId": package, "stickerId": sticker}} if contact.channel == "line" else {}
    is_sticker = contact.channel != "instagram" and chance(year.rng, 70)  # Instagram sends stickers as pictures
    _receive(year, contact, at, {"kind": "sticker"} | payload if is_sticker else {"kind": "image"})


def _browse(year: Year, person: Person, contact: Contact, at: int) -> None:
    """Pages of the shop; now and then a cart, which is paid for or left to a reminder."""
    rng = year.rng
    year.add(at, contact, "web.tracked", {"event": "page_viewed", "url": brand.SITE + rng.choice(brand.PAGES)}, "site")
    product = rng.choice(brand.PRODUCTS)
    facts = {"sku": product.sku, "name": product.name, "price": product.price}
    for step, share in (("product_viewed", 80), ("product_added", 45), ("order_completed", 50)):
        if not chance(rng, share):
            if step == "order_completed":
                _remind(year, person, product, time_after(rng, at, 2 * HOUR))
            return
        at = time_after(rng, at, 2 * MINUTE)
        year.add(at, contact, "web.tracked", {"event": step, "url": product.url, "properties": facts}, "site")
    _update_spending(year, person, product, at + 500)


def _remind(year: Year, person: Person, product: brand.Product, at: int) -> None:
    """The cart's reminder, on a social channel of the person."""
    social = person.on("line") or person.on("facebook")
    if social and year.reaches(social, at, marketing=True):
        text = brand.CART_REMINDER.format(product=product.name)
        year.add(at, social, "team.message_sent", brand.CART_CAMPAIGN | {"text": text}, "campaigns")


def _update_spending(year: Year, person: Person, product: brand.Product, at: int) -> None:
    """The CRM updates the member's record after an order."""
    record = person.on("crm")
    if record:
        spent = {"key": "total_spent", "value": product.price * year.rng.randint(1, 6), "type": "number"}
        year.add(at, record, "attribute.set", spent, "pos")


def _buy_in_store(year: Year, person: Person, contact: Contact, at: int) -> None:
    """A purchase at the counter, with the member's number."""
    _update_spending(year, person, year.rng.choice(brand.PRODUCTS), at)
    tag = {"tag": f"{person.branch.name}消費", "source": "third_party_system", "expires_after": 180}
    year.add(at, contact, "tag.added", tag, "pos")


def _log_in(year: Year, person: Person, contact: Contact, at: int) -> None:
    """Another login; who has no member account only browses."""
    (log_in if person.member_id else _browse)(year, person, contact, at)


_Script = Callable[[Year, Person, Contact, int], None]
_CHAT: Final = ((converse, 44), (_use_menu, 44), (_send_sticker, 9), (edit_or_unsend, 3))
_SCRIPTS: Final[dict[str, tuple[tuple[_Script, int], ...]]] = {
    **dict.fromkeys(("line", "facebook", "instagram", "whatsapp"), _CHAT),
    "web": ((_browse, 92), (_log_in, 8)),
    "crm": ((_buy_in_store, 1),),
}
