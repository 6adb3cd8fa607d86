"""Who and what a story is about."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from services.demo import brand
from services.demo.dice import YEAR, Dice
from services.demo.people import Contact, Person, contact_on
from services.demo.templates import fill
from services.demo.year import new_message_id

_SHOP_TABLET: Final = Contact("web", brand.ACCOUNTS["web"], "tablet-yongkang")
_SHOPS_LINE: Final = Contact("line", brand.ACCOUNTS["line"], "U" + "5e11e4" * 5 + "5e")


class Role(NamedTuple):
    """Someone in a story, on one of the person's contacts."""

    person: Person
    contact: Contact


class Cast(dict[str, Any]):
    """The roles and values of one play, by name; what is not given is made up at the first question.

    ``values`` are templates of values. The name of a channel is the role of the customer on it, or None.
    """

    def __init__(self, dice: Dice, values: Mapping[str, Any], **given: Any) -> None:
        super().__init__(given, brand=brand)
        self.dice, self._values = dice, values

    def __missing__(self, name: str) -> Any:
        if name in brand.ACCOUNTS:
            person = self["customer"].person
            contact = person.on(name)
            self[name] = Role(person, contact) if contact else None
        elif name in _MADE_UP:
            self[name] = _MADE_UP[name](self)
        else:
            self[name] = self.fill(self._values[name])
        return self[name]

    def fill(self, template: Any) -> Any:
        """Return the template with its gaps filled from this cast, and its choices made."""
        return fill(template, self, self.dice)


def _message_id(cast: Cast) -> str:
    return new_message_id(cast.dice, cast["customer"].contact.channel)


def _new_number(cast: Cast) -> Role:
    """The customer on a new WhatsApp number."""
    number = f"+8869001{cast.dice.randint(0, 99_999):05d}"
    return Role(cast["customer"].person, contact_on(cast.dice, "whatsapp", 0, number))


def _junk(cast: Cast, name: str) -> list[dict[str, str]]:
    return [{"type": name, "value": cast.dice.choice(brand.JUNK_VALUES[name]), "assurance": "claimed"}]


_MADE_UP: Final[Mapping[str, Callable[[Cast], Any]]] = {
    "social": lambda cast: cast["line"] or cast["facebook"] or cast["whatsapp"],
    "moved": _new_number,
    "tablet": lambda cast: Role(cast["customer"].person, _SHOP_TABLET),
    "shops_line": lambda cast: Role(cast["customer"].person, _SHOPS_LINE),
    "member": lambda cast: cast["customer"].person.member_id,
    "new_member": lambda cast: f"{brand.NEW_CARD}{cast['member'].removeprefix(brand.CARD)}",
    "new_card": lambda cast: [{"type": "member_id", "value": cast["new_member"], "assurance": "verified"}],
    "clerk": lambda cast: cast.dice.choice(cast["customer"].person.branch.staff),
    "agent": lambda cast: cast["clerk"][1],
    "branch": lambda cast: cast["customer"].person.branch.name,
    "item": lambda cast: cast.dice.choice(brand.PRODUCTS),
    "product": lambda cast: cast["item"].name,
    "spent": lambda cast: cast["item"].price * cast.dice.randint(1, 6),
    "page": lambda cast: brand.SITE + cast.dice.choice(brand.PAGES),
    "question": lambda cast: cast.fill(brand.QUESTIONS),
    "answer_text": lambda cast: cast.fill(brand.ANSWERS),
    "reminder_text": lambda cast: cast.fill(brand.CART_REMINDER),
    "campaign_question": lambda cast: cast.fill(brand.CAMPAIGN_QUESTION),
    "press_action": lambda cast: "button" if cast["customer"].contact.channel == "whatsapp" else "postback",
    "message_id": _message_id,
    "reply_id": _message_id,
    "sent_id": lambda cast: f"out-{cast.dice.hex(16)}",
    "token": lambda cast: f"nt-{cast.dice.hex(24)}",
    "expires_at": lambda cast: cast["began"] + YEAR,
    "birthday": lambda cast: "{}-{:02}-{:02}".format(*map(cast.dice.randint, (1958, 1, 1), (2006, 12, 28))),
    "shops_phone": lambda _: [{"type": "phone", "value": brand.SHOP_PHONE, "assurance": "stated"}],
    "junk_in_form": lambda cast: _junk(cast, cast.dice.choice(("email", "phone", "x_line_id"))),
    "junk_member": lambda cast: _junk(cast, "member_id"),
}
