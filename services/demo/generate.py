"""The life of a made-up brand, and how it reaches Onefold.

``life`` is a pure function of its arguments: the same seed, sizes and end give the same events with the same
ids, so a second demo on kept data repeats itself exactly. ``deliveries`` is one of a generator's too, and knows
to the event what the accounts must come to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Final

from services.demo.arrivals import arrive
from services.demo.campaigns import run_campaigns
from services.demo.diary import CanonicalEvent, Diary
from services.demo.letters import Letter, Way, letters
from services.demo.mixups import add_mixups
from services.demo.people import Person, population
from services.demo.posts import Arrival, Post, posts_of
from services.demo.rarities import add_rarities
from services.demo.regular import tell_of_a_regular
from services.demo.sessions import visit
from services.demo.spoilt import Broken, Refused, broken_records, refused_requests, spoilt_events
from services.demo.understood import understood

EVENTS_A_PERSON: Final = 8  # fewer than this, and there would be no life after the first day
_CAMPAIGN_SHARE: Final = 0.13
_RARE_SHARE: Final = 0.001  # of each rare kind
_DUPLICATE_SHARE: Final = 0.03
_LATE_SHARE: Final = 0.01
_WINDOW: Final = 400  # events among which the order of delivery is anybody's guess


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Everything that is sent, and what it must come to.

    ``distinct`` events are to be committed, ``duplicates`` absorbed, ``rejected`` ones refused at the door inside
    their batches, ``refused`` requests refused whole, and every one of ``broken`` becomes a dead letter.
    ``event_ids`` are those under which the log will have the distinct events.
    """

    posts: tuple[Post, ...]
    refused: tuple[Refused, ...]
    broken: tuple[Broken, ...]
    event_ids: tuple[str, ...]
    duplicates: int
    rejected: int

    @property
    def distinct(self) -> int:
        """How many events happened."""
        return len(self.event_ids)

    @property
    def accepted(self) -> int:
        """How many events the door must say yes to: it doesn't know duplicates."""
        return self.distinct + self.duplicates


def life(seed: int, people: int, events: int, until_ms: int) -> list[CanonicalEvent]:
    """Exactly so many events in the year before ``until_ms``, in the order in which they happened.

    Of at most so many people: an eighth of the events at most, so that there is something to tell of each.
    """
    rng = Random(f"{seed}/{people}/{events}/{until_ms}")
    diary = Diary(rng, until_ms)
    crowd = population(rng, max(1, min(people, events // EVENTS_A_PERSON)), until_ms)
    for person in crowd:
        arrive(diary, person)
    regular, each = tell_of_a_regular(diary, crowd), max(1, round(events * _RARE_SHARE))
    add_rarities(diary, crowd, each)
    add_mixups(diary, [person for person in crowd if person is not regular], each)
    run_campaigns(diary, crowd, budget=round(events * _CAMPAIGN_SHARE))
    _fill(diary, crowd, events)
    return sorted(diary.events[:events], key=lambda event: (event["occurred_at"], event["event_id"]))


def _fill(diary: Diary, crowd: list[Person], events: int) -> None:
    weights = [person.weight for person in crowd]
    while len(diary.events) < events:
        for person in diary.rng.choices(crowd, weights, k=100):
            visit(diary, person)


def deliveries(events: list[CanonicalEvent], story: str, until_ms: int) -> Deliveries:
    """The life on its way: out of order, some of it very late, some of it twice, a handful spoilt."""
    rng = Random(story)
    told = letters(events)
    copies = _copies(told, round(len(events) * _DUPLICATE_SHARE), rng)
    by_way: dict[Way, list[Arrival]] = {}
    for _, number, again in sorted(_arrivals(len(told), copies, rng)):
        by_way.setdefault(told[number].way, []).append((told[number], again))
    spoilt = spoilt_events(events[0])
    others = by_way.setdefault("events", [])
    for event in spoilt:
        others.insert(rng.randint(0, len(others)), (Letter("events", (event,)), False))
    posts = [list(posts_of(way, arrivals, rng, story)) for way, arrivals in sorted(by_way.items())]
    return Deliveries(
        posts=tuple(chain(*posts)),
        refused=refused_requests(events[0]),
        broken=broken_records(events[0]),
        event_ids=tuple(event.event_id for letter in told for event in understood(letter, until_ms, story)),
        duplicates=sum(len(told[number].events) for number in copies),
        rejected=len(spoilt),
    )


def _copies(told: list[Letter], events: int, rng: Random) -> list[int]:
    """Letters that come twice, of so many events together (fewer only where nothing is small enough)."""
    copies: list[int] = []
    for number in rng.sample(range(len(told)), len(told)):
        if len(told[number].events) <= events:
            copies.append(number)
            events -= len(told[number].events)
    return copies


def _arrivals(count: int, copies: list[int], rng: Random) -> Iterator[tuple[float, int, bool]]:
    """When each letter arrives (a place in the queue), which it is, and whether it is a repeat."""
    for number in range(count):
        late = count if rng.random() < _LATE_SHARE else _WINDOW
        yield number + rng.random() * late, number, False
    for number in copies:
        # Half of the repeats come at once, as after a lost answer; half much later, as after an outage.
        delay = _WINDOW + (rng.random() * 5 if rng.random() < 1 / 2 else rng.expovariate(1 / 500))
        yield number + delay, number, True
