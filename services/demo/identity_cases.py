"""Hard cases of identity: each happens at least once in every demo but the smallest.

Families and couples with one phone, a shop's tablet, placeholder values, and wrong bindings and decisions that join two
people until they are taken back.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from services.demo import brand
from services.demo.bindings import bind_browser, bind_member, log_in, omnilink, verify_phone
from services.demo.people import Contact, Person
from services.demo.timing import DAY, HOUR, MINUTE, chance, random_time
from services.demo.year import Year

_UNNOTICED: Final = 60 * DAY  # a mistake is noticed this much later, where the year is long enough
_TABLET: Final = Contact("web", brand.ACCOUNTS["web"], "tablet-yongkang")
_TABLET_MEMBERS: Final = 8


def add_identity_cases(year: Year, people: list[Person], times: int) -> None:
    """Add each case ``times`` times, and the shop's tablet once."""
    for add, *wanted in _CASES:
        for _ in range(times):
            if chosen := _choose(year, people, wanted):
                earliest = max(person.joined_at for person, _ in chosen) + HOUR
                at = random_time(year.rng, earliest, year.until_ms - 3 * _UNNOTICED // 2)
                later = random_time(year.rng, min(at + _UNNOTICED, year.until_ms - DAY), year.until_ms)
                add(year, (at, later), *chosen)
    _shop_tablet(year, people)


_Times = tuple[int, int]  # when the mistake is made, and when it is noticed
_Chosen = tuple[Person, Contact]


def _family(year: Year, times: _Times, parent: _Chosen, child: _Chosen) -> None:
    """A child registers with the phone that a parent verified on LINE: the phone joins no contacts."""
    verify_phone(year, parent[1], parent[0].phone, times[0])
    bind_member(year, *parent, times[0] + MINUTE)
    log_in(year, replace(child[0], phone=parent[0].phone), child[1], times[1])


def _couple(year: Year, times: _Times, one: _Chosen, other: _Chosen) -> None:
    """Two people with one phone; a member of staff who knows both decides that they are different."""
    verify_phone(year, one[1], one[0].phone, times[0])
    claimed = [{"type": "phone", "value": one[0].phone, "assurance": "claimed"}]
    year.add(times[0] + HOUR, other[1], "identity.bound", {"identifiers": claimed, "via": "api"}, "console")
    _decide(year, times[1], one[1], other[1], ("different", "是夫妻，共用手機"))


def _wrong_merge(year: Year, times: _Times, one: _Chosen, other: _Chosen) -> None:
    """Staff takes two people of one name for one, and takes that back after a complaint."""
    _decide(year, times[0], one[1], other[1], ("same", "同名同姓，應為同一人"))
    correction = "different" if chance(year.rng, 35) else "undecided"
    _decide(year, times[1], one[1], other[1], (correction, "客人來電更正"))


def _wrong_browser(year: Year, times: _Times, one: _Chosen, friend: _Chosen) -> None:
    """The site's button is pressed on a friend's phone; support removes the binding."""
    line, browser = one[1], friend[1]
    bind_browser(year, line, browser, times[0], year.rng.choice(("site_button", "bot_button")))
    year.add(times[1], line, "identity.unbound", {"linked_contact": browser.ref, "via": "api"}, "console")


def _recycled_phone(year: Year, times: _Times, new: _Chosen, old: _Chosen) -> None:
    """A phone number that belonged to another customer, who is still known by it; staff removes it."""
    verify_phone(year, new[1], old[0].phone, times[0])
    wrong = [{"type": "phone", "value": old[0].phone, "assurance": "verified"}]
    year.add(times[1], new[1], "identity.unbound", {"identifiers": wrong, "via": "api"}, "console")


def _two_members(year: Year, times: _Times, one: _Chosen, other: _Chosen) -> None:
    """OmniLink between contacts of two members: their different member ids forbid it."""
    bind_member(year, *one, times[0])
    bind_member(year, *other, times[0] + HOUR)
    omnilink(year, one[1], other[1], times[1])


def _borrowed_browser(year: Year, times: _Times, owner: _Chosen, friend: _Chosen) -> None:
    """Somebody logs in once on a friend's browser; the shop takes the login back."""
    log_in(year, *owner, times[0])
    log_in(year, friend[0], owner[1], times[0] + HOUR)
    back = {"identifiers": friend[0].login_identifiers, "via": "login"}
    year.add(times[1], owner[1], "identity.unbound", back, "site")


def _placeholder_values(year: Year, times: _Times, visitor: _Chosen) -> None:
    """Values of forms that were left empty, or that people type to get past a form."""
    types = year.rng.sample(sorted(brand.JUNK_VALUES), 2)
    typed = [
        {
            "type": name,
            "value": year.rng.choice(brand.JUNK_VALUES[name]),
            "assurance": "verified" if name == "member_id" else "claimed",  # the site vouches for every login
        }
        for name in types
    ]
    via = "login" if "member_id" in types else "channel"
    year.add(times[0], visitor[1], "identity.bound", {"identifiers": typed, "via": via}, "site")


def _shop_phone(year: Year, times: _Times, member: _Chosen) -> None:
    """At the till, the shop's own number is entered for customers who give none."""
    typed = [{"type": "phone", "value": brand.SHOP_PHONE, "assurance": "claimed"}]
    year.add(times[0], member[1], "identity.bound", {"identifiers": typed, "via": "import"}, "pos")


def _shop_tablet(year: Year, people: list[Person]) -> None:
    """The tablet on the counter, a shared device on which many members show their cards."""
    members = [person for person in people if person.member_id]
    for person in year.rng.sample(members, min(len(members), _TABLET_MEMBERS)):
        card = {"identifiers": person.login_identifiers[:1], "via": "login"}
        year.add(random_time(year.rng, person.joined_at, year.until_ms), _TABLET, "identity.bound", card, "site")


def _decide(year: Year, at: int, one: Contact, other: Contact, decision: tuple[str, str]) -> None:
    data = {"other": other.ref, "decision": decision[0], "by": "S101", "note": decision[1]}
    year.add(at, one, "identity.decided", data, "console")


_Wanted = tuple[str, bool | None]  # a channel, and whether the person has a member id (None: either)
_CASES: Final[tuple[tuple[Any, *tuple[_Wanted, ...]], ...]] = (
    (_family, ("line", True), ("web", True)),
    (_couple, ("line", False), ("instagram", False)),
    (_wrong_merge, ("line", False), ("line", False)),
    (_wrong_browser, ("line", False), ("web", False)),
    (_recycled_phone, ("line", False), ("whatsapp", False)),
    (_two_members, ("facebook", True), ("line", True)),
    (_borrowed_browser, ("web", True), ("any", True)),
    (_placeholder_values, ("web", None)),
    (_shop_phone, ("crm", None)),
)


def _choose(year: Year, people: Sequence[Person], wanted: Sequence[_Wanted]) -> list[_Chosen]:
    """Choose one person for each wish, no one twice, with the contact on that channel; none if one can't be had."""
    chosen: list[_Chosen] = []
    for channel, member in wanted:
        candidates = [
            (person, contact)
            for person in people
            if all(person is not other for other, _ in chosen)
            and member in {None, person.member_id is not None}
            and (contact := person.on(channel) if channel != "any" else person.contacts[0])
        ]
        if not candidates:
            return []
        chosen.append(year.rng.choice(candidates))
    return chosen
