"""How the year's events reach Onefold: in each sender's requests, out of order, some very late, some twice. Pure.

What the counters must come to afterwards is known to the event.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from random import Random
from typing import Final
from urllib.parse import quote

from services.demo.channels.channel import Sender
from services.demo.channels.registry import CHANNELS, sender_of
from services.demo.invalid import BrokenRecord, RefusedPost, broken_records, invalid_events, refused_posts
from services.demo.year import CanonicalEvent

_DUPLICATE_SHARE: Final = 0.03
_LATE_SHARE: Final = 0.01
_WINDOW: Final = 400  # items among which the order of delivery is random


@dataclass(frozen=True, slots=True)
class SentItem:
    """One event, or several that the sender reports together."""

    sender: Sender
    events: tuple[CanonicalEvent, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """The body of one request, and how many events it carries."""

    sender: Sender
    path: str
    body: bytes
    events: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Everything that is sent, and what it must come to.

    ``distinct`` events are to be committed and ``duplicates`` absorbed; ``rejected`` events are refused inside their
    batches, ``refused`` requests as a whole; each record of ``broken`` becomes a dead letter.
    """

    posts: tuple[Post, ...]
    refused: tuple[RefusedPost, ...]
    broken: tuple[BrokenRecord, ...]
    distinct: int
    duplicates: int
    rejected: int

    @property
    def accepted(self) -> int:
        """How many events ingress must accept: it does not look for duplicates."""
        return self.distinct + self.duplicates


def deliveries(events: list[CanonicalEvent], run: str) -> Deliveries:
    """Return the deliveries of a year. ``run`` names the run; it seeds the order and names the campaigns' sends."""
    rng, items = Random(run), items_of(events)
    copies = _choose_copies(items, round(len(events) * _DUPLICATE_SHARE), rng)
    queues: dict[Sender, list[tuple[SentItem, bool]]] = {}
    for _, number, repeated in sorted(_arrivals(len(items), copies, rng)):
        queues.setdefault(items[number].sender, []).append((items[number], repeated))
    invalid, others = invalid_events(events[0]), queues.setdefault("events", [])
    for event in invalid:
        others.insert(rng.randint(0, len(others)), (SentItem("events", (event,)), False))
    return Deliveries(
        posts=tuple(chain(*(_posts(sender, queue, rng, run) for sender, queue in sorted(queues.items())))),
        refused=refused_posts(events[0]),
        broken=broken_records(events[0]),
        distinct=len(events),
        duplicates=sum(len(items[number].events) for number in copies),
        rejected=len(invalid),
    )


def items_of(events: Iterable[CanonicalEvent]) -> list[SentItem]:
    """Put every event into one item, in the order of the items' first events."""
    groups: dict[tuple[Sender, Hashable], list[CanonicalEvent]] = {}
    for event in events:
        sender = sender_of(event)
        groups.setdefault((sender, CHANNELS[sender].item_key(event)), []).append(event)
    return list(chain(*(_items(sender, group) for (sender, _), group in groups.items())))


def _items(sender: Sender, events: list[CanonicalEvent]) -> list[SentItem]:
    """One item, unless the sender can't report all of it at once: the year's end may have cut something off."""
    channel = CHANNELS[sender]
    events.sort(key=channel.order)
    if channel.is_item(events):
        return [SentItem(sender, tuple(events))]
    return [SentItem("events", (event,)) for event in events]


def _choose_copies(items: list[SentItem], events: int, rng: Random) -> list[int]:
    """Choose items to deliver twice that have ``events`` events together (fewer if no item is small enough)."""
    copies: list[int] = []
    for number in rng.sample(range(len(items)), len(items)):
        if len(items[number].events) <= events:
            copies.append(number)
            events -= len(items[number].events)
    return copies


def _arrivals(count: int, copies: list[int], rng: Random) -> Iterator[tuple[float, int, bool]]:
    """Yield each item's place in the order of delivery, its number, and whether it is a repeated delivery."""
    for number in range(count):
        late = count if rng.random() < _LATE_SHARE else _WINDOW
        yield number + rng.random() * late, number, False
    for number in copies:
        # Half are repeated at once, as after a lost answer; half much later, as after an outage.
        delay = _WINDOW + (rng.random() * 5 if rng.random() < 1 / 2 else rng.expovariate(1 / 500))
        yield number + delay, number, True


def _posts(sender: Sender, queue: Sequence[tuple[SentItem, bool]], rng: Random, run: str) -> Iterator[Post]:
    """Put one sender's items into requests of random sizes, in their order."""
    channel = CHANNELS[sender]
    for _, group in groupby(queue, key=lambda one: channel.request_key(one[0].events[0])):
        items = list(group)
        while items:
            size = rng.randint(1, channel.largest)
            part, items = items[:size], items[size:]
            first = part[0][0].events[0]
            made = [(channel.item(one.events), repeated) for one, repeated in part]
            body = channel.body([channel.repeated(one) if repeated else one for one, repeated in made], first, run)
            path = channel.path.format(campaign=quote(first["data"].get("campaign", ""), safe=""))
            yield Post(sender, path, body, sum(len(one.events) for one, _ in part))
