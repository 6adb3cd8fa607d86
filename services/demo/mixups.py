"""Where who is who goes wrong, or is hard to tell: each kind at least once in any life but the smallest.

Families and couples with one phone, a shop's tablet, values that are nobody's, and what the wrong binding or the
wrong decision made one, until somebody took it back.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from services.demo import brand
from services.demo.bindings import bind_browser, bind_member, log_in, omnilink, prove_phone
from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import Contact, Person
from services.demo.rhythm import DAY, HOUR, MINUTE, moment
from services.demo.voice import intrinsic_of

_UNNOTICED: Final = 60 * DAY  # at the least, where the year is long enough
_TABLET: Final = Contact("web", brand.ACCOUNTS["web"], "tablet-yongkang")
_TABLET_MEMBERS: Final = 8


def add_mixups(diary: Diary, people: list[Person], each: int) -> None:
    """Every kind so many times, among these people."""
    for happens in _MIXUPS:
        for _ in range(each):
            happens(diary, people)
    _shop_tablet(diary, people)


def _family(diary: Diary, people: list[Person]) -> None:
    """A child registers with the phone that a parent has proved on LINE: it is the family's, and joins nobody."""
    pair = _pair(diary, people, _member_on("line"), _member_on("web"))
    if pair:
        parent, child = pair
        at, later = _span(diary, *pair)
        prove_phone(diary, _on(parent, "line"), parent.phone, at)
        bind_member(diary, parent, _on(parent, "line"), at + MINUTE)
        log_in(diary, replace(child, phone=parent.phone), _on(child, "web"), later)


def _couple(diary: Diary, people: list[Person]) -> None:
    """Two with one phone and one card between them; a member of staff who knows both says that they are two."""
    pair = _pair(diary, people, _stranger_on("line"), _stranger_on("instagram"))
    if pair:
        one, other = pair
        at, later = _span(diary, *pair)
        prove_phone(diary, _on(one, "line"), one.phone, at)
        typed = [{"type": "phone", "value": one.phone, "assurance": "claimed"}]
        diary.note(
            at + HOUR, _on(other, "instagram"), "identity.bound", {"identifiers": typed, "via": "api"}, "console"
        )
        _decide(diary, _on(one, "line"), _on(other, "instagram"), later, "different", "是夫妻，共用手機")


def _wrong_merge(diary: Diary, people: list[Person]) -> None:
    """Staff takes two people of one name for one, and takes that back after a complaint."""
    pair = _pair(diary, people, _stranger_on("line"), _stranger_on("line"))
    if pair:
        one, other = (_on(person, "line") for person in pair)
        at, later = _span(diary, *pair)
        _decide(diary, one, other, at, "same", "同名同姓，應為同一人")
        _decide(diary, one, other, later, "different" if chance(diary.rng, 35) else "undecided", "客人來電更正")


def _wrong_browser(diary: Diary, people: list[Person]) -> None:
    """The site's button pressed on a friend's phone, until support takes the binding off."""
    pair = _pair(diary, people, _stranger_on("line"), _stranger_on("web"))
    if pair:
        line, browser = _on(pair[0], "line"), _on(pair[1], "web")
        at, later = _span(diary, *pair)
        bind_browser(diary, line, browser, at, diary.rng.choice(("site_button", "bot_button")))
        wrong = {"linked_contact": browser.ref, "via": "api"}
        diary.note(later, line, "identity.unbound", wrong, "console")


def _recycled_phone(diary: Diary, people: list[Person]) -> None:
    """A number that used to be somebody else's, who is still there under it; taken off by staff."""
    pair = _pair(diary, people, _stranger_on("line"), _stranger_on("whatsapp"))
    if pair:
        line, phone = _on(pair[0], "line"), pair[1].phone
        at, later = _span(diary, *pair)
        prove_phone(diary, line, phone, at)
        wrong = {"identifiers": [{"type": "phone", "value": phone, "assurance": "verified"}], "via": "api"}
        diary.note(later, line, "identity.unbound", wrong, "console")


def _two_members(diary: Diary, people: list[Person]) -> None:
    """OmniLink from one member's Messenger to another's LINE: different member numbers forbid it."""
    pair = _pair(diary, people, _member_on("facebook"), _member_on("line"))
    if pair:
        (one, other), messenger, line = pair, _on(pair[0], "facebook"), _on(pair[1], "line")
        at, later = _span(diary, *pair)
        bind_member(diary, one, messenger, at)
        bind_member(diary, other, line, at + HOUR)
        omnilink(diary, messenger, line, later)


def _borrowed_browser(diary: Diary, people: list[Person]) -> None:
    """Somebody logs in on a friend's browser, for once; the shop takes the login back."""
    pair = _pair(diary, people, _member_on("web"), lambda person: person.member_id is not None)
    if pair:
        owner, friend = pair
        at, later = _span(diary, *pair)
        log_in(diary, owner, _on(owner, "web"), at)
        log_in(diary, friend, _on(owner, "web"), at + HOUR)
        back = {"identifiers": friend.known_identifiers, "via": "login"}
        diary.note(later, _on(owner, "web"), "identity.unbound", back, "site")


def _junk(diary: Diary, people: list[Person]) -> None:
    """What forms send when nobody fills them in, and what people type who don't want to say."""
    person = _somebody(diary, people, _is_on("web"))
    if person:
        types = diary.rng.sample(sorted(brand.JUNK_VALUES), 2)
        typed = [
            {
                "type": name,
                "value": diary.rng.choice(brand.JUNK_VALUES[name]),
                "assurance": "verified" if name == "member_id" else "claimed",  # the site takes a login at its word
            }
            for name in types
        ]
        via = "login" if "member_id" in types else "channel"
        diary.note(
            _span(diary, person)[0], _on(person, "web"), "identity.bound", {"identifiers": typed, "via": via}, "site"
        )


def _shop_number(diary: Diary, people: list[Person]) -> None:
    """At the till, the shop's own number is typed for those who give none."""
    person = _somebody(diary, people, _is_on("crm"))
    if person:
        typed = {"identifiers": [{"type": "phone", "value": brand.SHOP_PHONE, "assurance": "claimed"}], "via": "import"}
        at, _ = _span(diary, person)
        record = _on(person, "crm")
        diary.note(at, record, "identity.bound", typed, "pos", intrinsic_of(record))


def _shop_tablet(diary: Diary, people: list[Person]) -> None:
    """The tablet on the counter, on which one member after another shows the card: nobody's own device."""
    members = [person for person in people if person.member_id]
    for person in diary.rng.sample(members, min(len(members), _TABLET_MEMBERS)):
        card = {"identifiers": person.known_identifiers[:1], "via": "login"}
        diary.note(moment(diary.rng, person.joined_at, diary.until_ms), _TABLET, "identity.bound", card, "site")


_MIXUPS: Final[tuple[Callable[[Diary, list[Person]], None], ...]] = (
    _family,
    _couple,
    _wrong_merge,
    _wrong_browser,
    _recycled_phone,
    _two_members,
    _borrowed_browser,
    _junk,
    _shop_number,
)
_Which = Callable[[Person], bool]


def _is_on(channel: str) -> _Which:
    return lambda person: person.on(channel) is not None


def _member_on(channel: str) -> _Which:
    return lambda person: person.member_id is not None and person.on(channel) is not None


def _stranger_on(channel: str) -> _Which:
    """Somebody without a member number: nothing sets them apart from others."""
    return lambda person: person.member_id is None and person.on(channel) is not None


def _somebody(diary: Diary, people: Sequence[Person], which: _Which) -> Person | None:
    chosen = [person for person in people if which(person)]
    return diary.rng.choice(chosen) if chosen else None


def _pair(diary: Diary, people: Sequence[Person], one: _Which, other: _Which) -> tuple[Person, Person] | None:
    """Two different people, the first of the one kind, the second of the other."""
    first = _somebody(diary, people, one)
    second = _somebody(diary, [person for person in people if person is not first], other)
    return (first, second) if first and second else None


def _on(person: Person, channel: str) -> Contact:
    contact = person.on(channel)
    if contact is None:
        raise ValueError(f"{person.name} is not on {channel}")
    return contact


def _span(diary: Diary, *people: Person) -> tuple[int, int]:
    """When something goes wrong between people, and when that is noticed."""
    earliest = max(person.joined_at for person in people) + HOUR
    at = moment(diary.rng, earliest, diary.until_ms - 3 * _UNNOTICED // 2)
    return at, moment(diary.rng, min(at + _UNNOTICED, diary.until_ms - DAY), diary.until_ms)


def _decide(  # noqa: PLR0913, PLR0917 - a decision has these parts
    diary: Diary, one: Contact, other: Contact, at: int, decision: str, note: str
) -> None:
    data = {"other": other.ref, "decision": decision, "by": "S101", "note": note}
    diary.note(at, one, "identity.decided", data, "console")
