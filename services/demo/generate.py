"""The events of the brand's year, as a pure function: equal arguments give equal events with equal ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Final

from services.demo import brand
from services.demo.cast import Role
from services.demo.dice import DAY, HOUR, MINUTE, YEAR, Dice
from services.demo.people import Contact, Person, on_all_channels, population
from services.demo.stories import CASES, REACTIONS, VISITS, Case, play
from services.demo.year import CanonicalEvent, Events, Year

EVENTS_PER_PERSON: Final = 8  # with fewer, nothing would happen after the first day
_CAMPAIGN_SHARE: Final = 0.13
_CASE_SHARE: Final = 0.001  # of each case
_UNNOTICED: Final = 60 * DAY  # a mistake is noticed this much later, where the year is long enough
_TAIPEI: Final = timezone(timedelta(hours=8))
_SEND_HOUR: Final = 20
_FEATURED_ON: Final = ("web", "crm", "whatsapp")
_SWITCHES: Final = ("line", "facebook", "instagram")  # where the bot offers to opt out of marketing
# How the visits of one person are spread over the person's channels.
_VISIT_WEIGHTS: Final = {"line": 10, "facebook": 6, "instagram": 5, "whatsapp": 7, "web": 8, "crm": 1}
_BLOCKED_PERCENT: Final = {"line": 13, "facebook": 4, "instagram": 4, "whatsapp": 4}
_CAMPAIGNS_ON: Final = ("line", "facebook", "whatsapp")
_TRIES: Final = 10


@dataclass(frozen=True, slots=True)
class GeneratedYear:
    """What the senders report, in the order in which it happened, and a contact with a full profile."""

    reports: list[Events]
    featured: Contact

    @property
    def events(self) -> list[CanonicalEvent]:
        """All events."""
        return list(chain(*self.reports))


def generate_year(seed: int, people: int, events: int, until_ms: int) -> GeneratedYear:
    """Make exactly ``events`` events of the 365 days before ``until_ms``.

    They are about at most ``people`` people, and at most one person for eight events.
    """
    dice = Dice(f"{seed}/{people}/{events}/{until_ms}")
    year = Year(dice, until_ms, events)
    everyone = population(dice, max(1, min(people, events // EVENTS_PER_PERSON)), until_ms)
    featured = _choose_featured(dice, everyone)
    others = [person for person in everyone if person is not featured]
    for person in everyone:
        _arrive(year, person)
    _play_featured(year, featured)
    for person in others:
        _withdraw(year, person)
    for name, case in CASES.items():
        _play_case(year, others, name, case, case.times or max(1, round(events * _CASE_SHARE)))
    _send_campaigns(year, everyone, budget=round(events * _CAMPAIGN_SHARE))
    weights = [person.weight for person in everyone]
    while not year.is_full:
        for person in dice.choices(everyone, weights, k=100):
            _visit(year, person)
    reports = sorted(year.reports, key=lambda report: (report[0]["occurred_at"], report[0]["event_id"]))
    return GeneratedYear(reports, (featured.on("line") or featured.contacts[0]))


def _choose_featured(dice: Dice, everyone: list[Person]) -> Person:
    """Put the most active person on LINE also on the other channels of a full profile, and return it."""
    on_line = [number for number, person in enumerate(everyone) if person.on("line")]
    if not on_line:
        return everyone[0]
    number = max(on_line, key=lambda number: everyone[number].weight)
    everyone[number] = on_all_channels(dice, everyone[number], _FEATURED_ON)
    return everyone[number]


def _play_featured(year: Year, person: Person) -> None:
    line = person.on("line")
    if line:
        began = year.dice.time_between(person.joined_at, year.until_ms - DAY)
        play(year, "featured", began, customer=Role(person, line))


def _arrive(year: Year, person: Person) -> None:
    """What happens once: the first events on each channel, and the bindings."""
    at = person.joined_at
    for contact in person.contacts:
        play(year, f"arrive_on_{contact.channel}", at, customer=Role(person, contact))
        at = min(year.dice.time_after(at, 9 * DAY), year.until_ms - HOUR)
    play(year, "bind", at, customer=Role(person, person.contacts[0]))


def _withdraw(year: Year, person: Person) -> None:
    """Some block an account, and a few opt out of marketing; some of both come back."""
    dice = year.dice
    for contact in person.contacts:
        customer, at = Role(person, contact), dice.time_between(person.joined_at + HOUR, year.until_ms)
        if dice.chance(_BLOCKED_PERCENT.get(contact.channel, 0)):
            play(year, "block", at, customer=customer)
        elif contact.channel in _SWITCHES and dice.chance(4):
            play(year, "opt_out", at, customer=customer)


def _play_case(year: Year, people: Sequence[Person], name: str, case: Case, times: int) -> None:
    dice = year.dice
    suited = [person for person in people if case.members in {None, person.member_id is not None}]
    candidates = [
        [Role(person, contact) for person in suited if (contact := next(filter(None, map(person.on, channels)), None))]
        for channels in case.roles.values()
    ]
    for _ in range(times if all(candidates) else 0):
        tries = ([dice.choice(roles) for roles in candidates] for _ in range(_TRIES))
        chosen = next((roles for roles in tries if len({role.person.number for role in roles}) == len(roles)), None)
        if chosen:
            earliest = max(role.person.joined_at for role in chosen) + HOUR
            latest = max(year.until_ms - 3 * _UNNOTICED // 2, (earliest + year.until_ms) // 2)
            at = dice.time_between(earliest, latest)
            later = dice.time_between(min(at + _UNNOTICED, year.until_ms - DAY), year.until_ms)
            play(year, name, at, later, **dict(zip(case.roles, chosen, strict=True)))


def _send_campaigns(year: Year, people: list[Person], budget: int) -> None:
    """Send every campaign of the year, at most ``budget`` messages in all; the audience grows with the brand."""
    calendar = sorted((_sent_at(campaign, year.until_ms), campaign) for campaign in brand.CAMPAIGNS)
    audiences = [
        [role for person in people if person.joined_at < at for role in _reached(person)] for at, _ in calendar
    ]
    share = budget / max(1, sum(map(len, audiences)))
    for (at, campaign), audience in zip(calendar, audiences, strict=True):
        for role in year.dice.sample(audience, min(len(audience), round(len(audience) * share))):
            if year.reaches(role.contact, at, marketing=True):
                _send(year, campaign, role, at)


def _send(year: Year, campaign: brand.Campaign, role: Role, at: int) -> None:
    play(year, "broadcast", at, customer=role, campaign=campaign)
    play(year, year.dice.weighted(REACTIONS), at + MINUTE, customer=role, campaign=campaign)


def _reached(person: Person) -> list[Role]:
    return [Role(person, contact) for contact in person.contacts if contact.channel in _CAMPAIGNS_ON]


def _sent_at(campaign: brand.Campaign, until_ms: int) -> int:
    """The campaign's evening within the year that ends at ``until_ms``."""
    end = datetime.fromtimestamp(until_ms / 1000, _TAIPEI)
    evening = datetime(end.year, campaign.month, campaign.day, _SEND_HOUR, tzinfo=_TAIPEI)
    at = int(evening.timestamp() * 1000)
    # The demo's year always has 365 days, so going back one year subtracts those.
    return at if at <= until_ms - 6 * HOUR else at - YEAR


def _visit(year: Year, person: Person) -> None:
    """Play one visit on one of the person's channels; where the account is blocked, a message that failed."""
    dice = year.dice
    contact = dice.weighted({contact: _VISIT_WEIGHTS[contact.channel] for contact in person.contacts})
    at = dice.time_between(person.joined_at + HOUR, min(person.left_at, year.until_ms - 3 * HOUR))
    story = dice.weighted(VISITS[contact.channel]) if year.reaches(contact, at) else "not_delivered"
    play(year, story, at, customer=Role(person, contact))
