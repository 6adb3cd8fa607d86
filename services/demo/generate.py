"""The life of a made-up brand, and how it reaches Onefold.

``life`` is a pure function of its arguments: the same seed, sizes and end give the same events with the same
ids, so a second demo on kept data repeats itself exactly. ``deliveries`` is one of a generator's too, and knows
to the event what the accounts must come to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from services.demo.arrivals import arrive
from services.demo.campaigns import run_campaigns
from services.demo.diary import CanonicalEvent, Diary
from services.demo.line_webhooks import MOST_EVENTS, body, comes_by_webhook, webhook_event
from services.demo.mixups import add_mixups
from services.demo.people import Person, population
from services.demo.rarities import add_rarities
from services.demo.regular import tell_of_a_regular
from services.demo.sessions import visit
from services.demo.spoilt import Broken, Refused, broken_records, refused_requests, spoilt_events

EVENTS_A_PERSON: Final = 8  # fewer than this, and there would be no life after the first day
_CAMPAIGN_SHARE: Final = 0.13
_RARE_SHARE: Final = 0.001  # of each rare kind
_DUPLICATE_SHARE: Final = 0.03
_LATE_SHARE: Final = 0.01
_WINDOW: Final = 400  # events among which the order of delivery is anybody's guess
_LARGEST_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Everything that is sent, and what it must come to.

    ``distinct`` events are to be committed, ``duplicates`` absorbed, ``rejected`` ones refused at the door inside
    their batches, ``refused`` requests refused whole, and every one of ``broken`` becomes a dead letter.
    """

    line_webhooks: tuple[dict[str, Any], ...]
    batches: tuple[list[CanonicalEvent], ...]
    refused: tuple[Refused, ...]
    broken: tuple[Broken, ...]
    distinct: int
    duplicates: int
    rejected: int

    @property
    def accepted(self) -> int:
        """How many events the door must say yes to: it doesn't know duplicates."""
        return self.distinct + self.duplicates


def life(seed: int, people: int, events: int, until_ms: int) -> list[CanonicalEvent]:
    """Exactly so many events in the year before ``until_ms``, in the order in which they happened.

    Of at most so many people: an eighth of the events at most, so that there is something to tell of each.
    """
    rng = Random(f"{seed}/{people}/{events}/{until_ms}")  # noqa: S311 - a story, not a secret
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


def deliveries(events: list[CanonicalEvent], rng: Random) -> Deliveries:
    """The life on its way: out of order, some of it very late, some of it twice, a handful spoilt."""
    copies = rng.sample(range(len(events)), round(len(events) * _DUPLICATE_SHARE))
    arrivals = sorted(_arrivals(len(events), copies, rng))
    line, other = [], []
    for _, number, redelivered in arrivals:
        if comes_by_webhook(events[number]):
            line.append(webhook_event(events[number], rng, redelivered=redelivered))
        else:
            other.append(events[number])
    spoilt = spoilt_events(events[0])
    for event in spoilt:
        other.insert(rng.randint(0, len(other)), event)
    webhooks = tuple(body(part) for part in _parts(line, MOST_EVENTS, rng))
    return Deliveries(
        line_webhooks=webhooks,
        batches=tuple(_parts(other, _LARGEST_BATCH, rng)),
        refused=refused_requests(events[0], webhooks[0] if webhooks else None),
        broken=broken_records(events[0]),
        distinct=len(events),
        duplicates=len(copies),
        rejected=len(spoilt),
    )


def _arrivals(count: int, copies: list[int], rng: Random) -> Iterator[tuple[float, int, bool]]:
    """When each event arrives (a place in the queue), which it is, and whether it is a repeat."""
    for number in range(count):
        late = count if rng.random() < _LATE_SHARE else _WINDOW
        yield number + rng.random() * late, number, False
    for number in copies:
        # Half of the repeats come at once, as after a lost answer; half much later, as after an outage.
        delay = _WINDOW + (rng.random() * 5 if rng.random() < 1 / 2 else rng.expovariate(1 / 500))
        yield number + delay, number, True


def _parts(events: Sequence[dict[str, Any]], largest: int, rng: Random) -> Iterator[list[dict[str, Any]]]:
    """The events in bodies of uneven sizes, from one to ``largest``."""
    start = 0
    while start < len(events):
        size = rng.randint(1, largest)
        yield list(events[start : start + size])
        start += size
