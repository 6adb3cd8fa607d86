"""The engine of stories: a story is a sequence of steps, and a step is an event that may happen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from services.demo import brand
from services.demo.dice import YEAR, Dice
from services.demo.people import Contact, Person, contact_on
from services.demo.templates import fill
from services.demo.year import CHANNEL_SOURCES, Happening, Year, new_message_id

CHANNEL: Final = "channel"  # the source of an event that the contact's own channel reports
LATER: Final = -1  # in ``after``: when the story's mistake is noticed, which may be months later
_MARKETING: Final = frozenset({"broadcast", "cart_remarketing"})
_SENT_WITH_NAME: Final = frozenset({"message.received", "message.edited", "bot.interacted"})  # by WhatsApp
_SHOP_TABLET: Final = Contact("web", brand.ACCOUNTS["web"], "tablet-yongkang")


class Role(NamedTuple):
    """Someone in a story, on one of the person's contacts."""

    person: Person
    contact: Contact


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An event of the contact of ``who``, in ``percent`` of a hundred plays, about ``after`` ms after the step before.

    It happens only ``on`` these channels (if any are given) and if the story has all that it ``needs``. ``data`` is a
    template; its names are those of the cast.
    """

    type: str
    source: str
    data: Mapping[str, Any]
    who: str = "customer"
    percent: float = 100
    after: int = 0
    on: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


Story = tuple[Step | tuple[Step, ...], ...]  # a tuple inside is what a sender reports together


class Cast(dict[str, Any]):
    """Who and what a story is about, by name. What is not given is made up at the first question."""

    def __init__(self, dice: Dice, **given: Any) -> None:
        super().__init__(given)
        self.dice = dice

    def __missing__(self, name: str) -> Any:
        self[name] = self._on(name) if name in brand.ACCOUNTS else _MADE_UP[name](self)
        return self[name]

    def _on(self, channel: str) -> Role | None:
        person = self["customer"].person
        contact = person.on(channel)
        return Role(person, contact) if contact else None

    def new_message_id(self) -> str:
        """Return a new id of a message on the customer's channel."""
        return new_message_id(self.dice, self["customer"].contact.channel)

    def new_number(self) -> Role:
        """Return the customer on a new WhatsApp number."""
        number = f"+8869001{self.dice.randint(0, 99_999):05d}"
        return Role(self["customer"].person, contact_on(self.dice, "whatsapp", 0, number))


_MADE_UP: Final[Mapping[str, Callable[[Cast], Any]]] = {
    "social": lambda cast: cast["line"] or cast["facebook"] or cast["whatsapp"],
    "member": lambda cast: cast["customer"].person.member_id,
    "moved": Cast.new_number,
    "tablet": lambda cast: Role(cast["customer"].person, _SHOP_TABLET),
    "clerk": lambda cast: cast.dice.choice(cast["customer"].person.branch.staff),
    "agent": lambda cast: cast["clerk"][1],
    "branch": lambda cast: cast["customer"].person.branch.name,
    "item": lambda cast: cast.dice.choice(brand.PRODUCTS),
    "product": lambda cast: cast["item"].name,
    "spent": lambda cast: cast["item"].price * cast.dice.randint(1, 6),
    "question": lambda cast: fill(brand.QUESTIONS, cast, cast.dice),
    "answer": lambda cast: fill(brand.ANSWERS, cast, cast.dice),
    "press": lambda cast: "button" if cast["customer"].contact.channel == "whatsapp" else "postback",
    "message_id": Cast.new_message_id,
    "reply_id": Cast.new_message_id,
    "sent_id": lambda cast: f"out-{cast.dice.hex(16)}",
    "token": lambda cast: f"nt-{cast.dice.hex(24)}",
    "expires_at": lambda cast: cast["began"] + YEAR,
    "birthday": lambda cast: "{}-{:02}-{:02}".format(*map(cast.dice.randint, (1958, 1, 1), (2006, 12, 28))),
}


def step(type_name: str, source: str, /, **given: Any) -> Step:
    """Make a step; the arguments that are none of Step's are its data."""
    options = {name: given.pop(name) for name in ("who", "percent", "after", "on", "needs") if name in given}
    return Step(type_name, source, given, **options)


def play(year: Year, story: Story, cast: Cast, at: int, later: int = 0) -> None:
    """Add the events of one play of the story, which begins at ``at``; its mistake is noticed at ``later``."""
    cast["began"] = at
    for one in story:
        together = one if isinstance(one, tuple) else (one,)
        takes_part = [part for part in together if _happens(part, cast)]
        if not takes_part:
            continue
        after = takes_part[0].after
        at = later if after == LATER else year.dice.time_after(at, after) if after else at
        happenings = [happening for part in takes_part for happening in _happenings(part, cast)]
        if all(_is_allowed(year, happening, at) for happening in happenings):
            year.add(at, *happenings)


def _happens(one: Step, cast: Cast) -> bool:
    role = cast[one.who]
    return (
        role is not None
        and (not one.on or role.contact.channel in one.on)
        and all(cast[name] for name in one.needs)
        and cast.dice.chance(one.percent)
    )


def _happenings(one: Step, cast: Cast) -> list[Happening]:
    role = cast[one.who]
    source = CHANNEL_SOURCES[role.contact.channel] if one.source == CHANNEL else one.source
    made = [Happening(role.contact, one.type, source, fill(one.data, cast, cast.dice))]
    if source == "whatsapp" and one.type in _SENT_WITH_NAME:
        made.append(Happening(role.contact, "profile.updated", source, {"display_name": role.person.nickname}))
    return made


def _is_allowed(year: Year, happening: Happening, at: int) -> bool:
    is_marketing = happening.data.get("purpose") in _MARKETING
    return not is_marketing or year.reaches(happening.contact, at, marketing=True)
