"""A made-up population, by what goes wrong with it: events, and who each contact really is. Equal seeds, equal people.

Each cause is a kind of people; together they also meet each other, by numbers that are mistyped, given away or
invented. A contact that no one person has (a shop's kiosk) is a person by itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random
from typing import Any, Final

from schemas.events import Event
from tests.support.identity_events import bound, claimed, merged, seen, stated

DAY: Final = 86_400_000
_YEAR: Final = 365
_COUPLE, _VISITORS_WEEKS, _MOST_WEEKS, _AT_THE_TABLET = 2, 10, 60, 12
_PLACEHOLDER: Final = "+886912345678"  # a valid number, and nobody's
_JUNK: Final = ({"member_id": "null"}, {"phone": "0000000000"}, {"x_device": "undefined"}, {"email": "test@test.com"})


@dataclass(slots=True)
class World:
    """The people so far. ``truth`` is the person of each contact."""

    rng: Random
    events: list[Event] = field(default_factory=list)
    truth: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _people: Iterator[int] = field(default_factory=lambda: count(1))
    _moments: Iterator[int] = field(default_factory=lambda: count(1))

    def new_person(self) -> int:
        """Someone who was not there before."""
        return next(self._people)

    def contact(self, channel: str, person: int | None = None) -> str:
        """A new contact of the person, or of nobody."""
        account = {"line": "oa", "whatsapp": "wa", "crm": "main", "web": "shop"}[channel]
        key = f"{channel}:{account}:u{next(self._numbers)}"
        self.truth[key] = self.new_person() if person is None else person
        return key

    def phone(self) -> str:
        """A mobile number that nobody has yet; the next person's differs in its last digits."""
        return f"+8869{next(self._numbers):08}"

    def email(self) -> str:
        """An address that nobody has yet."""
        return f"p{next(self._numbers)}@mail.example.com"

    def member_id(self) -> str:
        """A member id that nobody has yet."""
        return f"M{next(self._numbers)}"

    def day(self) -> int:
        """Some day of the year."""
        return self.rng.randrange(_YEAR)

    def state(self, make: Callable[..., Event], subject: str, *, day: int, **said: Any) -> None:
        """Let an event of a contact, or of a member id, happen on a day; no two happen at once."""
        self.events.append(make(subject, at=day * DAY + next(self._moments), **said))


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of the brand, with a record in its CRM."""

    person: int
    member_id: str
    phone: str
    email: str
    record: str


def _member(world: World, *, phone: str | None = None, email: str | None = None, day: int | None = None) -> _Member:
    person = world.new_person()
    one = _Member(
        person, world.member_id(), phone or world.phone(), email or world.email(), world.contact("crm", person)
    )
    at = world.day() if day is None else day
    world.state(stated, one.record, day=at, member_id=one.member_id, phone=one.phone, email=one.email)
    return one


def _logs_in(world: World, one: _Member, browser: str | None = None, *, day: int | None = None) -> str:
    browser = browser or world.contact("web", one.person)
    world.state(bound, browser, day=world.day() if day is None else day, member_id=one.member_id)
    return browser


def _writes_on_line(world: World, one: _Member) -> str:
    contact = world.contact("line", one.person)
    world.state(seen, contact, day=world.day(), line_user=f"provider:{contact}")
    world.state(bound, contact, day=world.day(), member_id=one.member_id)
    return contact


def _writes_on_whatsapp(world: World, phone: str, person: int, *, day: int | None = None) -> str:
    contact = world.contact("whatsapp", person)
    world.state(seen, contact, day=world.day() if day is None else day, phone=phone)
    return contact


def _buys_as_guest(world: World, person: int, *, day: int | None = None, **typed: str) -> str:
    browser = world.contact("web", person)
    world.state(claimed, browser, day=world.day() if day is None else day, **typed)
    return browser


def ordinary(world: World, people: int) -> None:
    """Members with a browser or two, LINE or WhatsApp, who sometimes buy as a guest."""
    for _ in range(people):
        one = _member(world)
        _logs_in(world, one)
        _writes_on_line(world, one)
        _writes_on_whatsapp(world, one.phone, one.person)
        if world.rng.random() < 0.5:
            _buys_as_guest(world, one.person, email=one.email)


def families(world: World, people: int) -> None:
    """Couples with one phone, one e-mail and one browser, on which both log in."""
    for _ in range(people // _COUPLE):
        first = _member(world)
        second = _member(world, phone=first.phone, email=first.email)
        browser = _logs_in(world, first, day=10)
        world.state(claimed, browser, day=11, phone=first.phone)
        _logs_in(world, second, browser, day=20)
        world.truth[browser] = second.person
        for one in (first, second):
            _logs_in(world, one)
            _writes_on_line(world, one)
        _writes_on_whatsapp(world, first.phone, world.rng.choice((first, second)).person)


def kiosks(world: World, people: int) -> None:
    """A shop's tablet to which a dozen members bind their LINE, and on which half of them type a phone."""
    for _ in range(max(1, people // _AT_THE_TABLET)):
        tablet = world.contact("web")
        for number in range(_AT_THE_TABLET):
            one = _member(world)
            _logs_in(world, one)
            world.state(bound, _writes_on_line(world, one), day=world.day(), link=tablet)
            if number % 2:
                world.state(claimed, tablet, day=world.day(), phone=one.phone)


def junk(world: World, people: int) -> None:
    """People of whom forms and plug-ins say what is nobody's: null, 0000000000, a placeholder's number."""
    for number in range(people):
        one = _member(world)
        _logs_in(world, one)
        typed = {"email": one.email} | _JUNK[number % len(_JUNK)]
        world.state(claimed, world.contact("web", one.person), day=world.day(), **typed)
        _buys_as_guest(world, one.person, email=one.email, phone=_PLACEHOLDER)


def recycled_numbers(world: World, people: int) -> None:
    """A member gives up a number, and a stranger who gets it becomes a member, too."""
    for _ in range(people // _COUPLE):
        first = _member(world, day=5)
        _logs_in(world, first)
        _writes_on_whatsapp(world, first.phone, first.person, day=20)
        later = _member(world, phone=first.phone, day=200)
        _logs_in(world, later)
        _writes_on_line(world, later)
        _buys_as_guest(world, later.person, day=210, phone=first.phone, email=later.email)


def seven_day_cookies(world: World, people: int) -> None:
    """Visitors whose browser is another every week: members who log in, and guests who type a phone."""
    for number in range(people):
        one = _member(world)
        weeks = _MOST_WEEKS if number % 20 == 0 else _VISITORS_WEEKS
        for week in range(weeks):
            if number % 2:
                _buys_as_guest(world, one.person, day=week * 6, phone=one.phone)
            else:
                _logs_in(world, one, day=week * 6)


def doubles(world: World, people: int) -> None:
    """People who registered twice, with one phone or e-mail."""
    for number in range(people):
        first = _member(world)
        record = world.contact("crm", first.person)
        again = {"phone": first.phone} if number % 2 else {"email": first.email}
        second = world.member_id()
        world.state(stated, record, day=world.day(), member_id=second, **again)
        _logs_in(world, first)
        browser = world.contact("web", first.person)
        world.state(bound, browser, day=world.day(), member_id=second)


def gifts(world: World, people: int) -> None:
    """Guests who type the phone of whom they send a present to, and their own e-mail."""
    members = [_member(world) for _ in range(people)]
    for giver, receiver in pairwise(members):
        _logs_in(world, giver)
        _buys_as_guest(world, giver.person, email=giver.email, phone=receiver.phone)
        _writes_on_whatsapp(world, receiver.phone, receiver.person)


def typing_errors(world: World, people: int) -> None:
    """Guests who mistype one digit of their phone, which makes it another's, and their e-mail rightly."""
    for _ in range(people):
        one = _member(world)
        _logs_in(world, one)
        digit = world.rng.randrange(10)
        _buys_as_guest(world, one.person, email=one.email, phone=f"{one.phone[:-1]}{digit}")
        _writes_on_whatsapp(world, one.phone, one.person)


def strangers(world: World, people: int) -> None:
    """Somebody with the public write key claims to have members' phones and e-mails."""
    for _ in range(people // _COUPLE):
        one = _member(world)
        _logs_in(world, one)
        _writes_on_whatsapp(world, one.phone, one.person)
        attacker = world.new_person()
        _buys_as_guest(world, attacker, phone=one.phone, email=world.email())
        browser = world.contact("web", attacker)
        world.state(claimed, browser, day=world.day(), member_id=world.member_id(), email=one.email)


def crm_replaced(world: World, people: int, *, renamed: bool = False) -> None:
    """Members whose CRM was replaced: each has a new member id, and nobody says whose the old one was."""
    for _ in range(people):
        old = _member(world, day=5)
        _logs_in(world, old, day=30)
        new = _Member(old.person, world.member_id(), old.phone, old.email, world.contact("crm", old.person))
        world.state(stated, new.record, day=180, member_id=new.member_id, phone=new.phone, email=new.email)
        _logs_in(world, new, day=200)
        _writes_on_whatsapp(world, old.phone, old.person)
        if renamed:
            world.state(merged, old.member_id, day=180, into=new.member_id)


def crm_replaced_and_merged(world: World, people: int) -> None:
    """The same, and the CRM says which member id became which (``member.merged``)."""
    crm_replaced(world, people, renamed=True)


CAUSES: Final[Mapping[str, Callable[[World, int], None]]] = {
    one.__name__: one
    for one in (
        ordinary,
        families,
        kiosks,
        junk,
        recycled_numbers,
        seven_day_cookies,
        doubles,
        gifts,
        typing_errors,
        strangers,
        crm_replaced,
        crm_replaced_and_merged,
    )
}


def population(causes: Iterable[str], people: int, seed: int = 1) -> World:
    """So many people of each cause, in one world."""
    world = World(Random(f"{seed}"))
    for cause in causes:
        CAUSES[cause](world, people)
    return world
