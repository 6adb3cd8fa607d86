"""How the year reaches Onefold: in each sender's requests, out of order, some very late, some twice. Pure.

What the counters must come to afterwards is known to the event.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import quote

from services.demo.dice import Dice
from services.demo.invalid import BrokenRecord, broken_records, invalid_events, refused_requests
from services.demo.senders import SENDERS, sender_of
from services.demo.senders.shape import Post, SenderName
from services.demo.year import Events

_DUPLICATE_SHARE: Final = 0.03
_LATE_PERCENT: Final = 1
_WINDOW: Final = 400  # reports among which the order of delivery is random


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Everything that is sent, the senders' requests evenly mixed, and what it must come to.

    ``distinct`` events are to be committed and ``duplicates`` absorbed; ``rejected`` events are refused inside their
    batches, ``refused`` requests as a whole; each record of ``broken`` becomes a dead letter.
    """

    posts: tuple[Post, ...]
    broken: tuple[BrokenRecord, ...]
    distinct: int
    duplicates: int
    rejected: int
    refused: int

    @property
    def accepted(self) -> int:
        """How many events ingress must accept: it does not look for duplicates."""
        return self.distinct + self.duplicates


class _Delivery(NamedTuple):
    events: Events
    repeated: bool = False


def deliveries(reports: Sequence[Events], run: str) -> Deliveries:
    """Return the deliveries of a year. ``run`` names the run; it seeds the order and names the campaigns' sends."""
    dice, distinct = Dice(run), sum(map(len, reports))
    copies = _choose_copies(reports, round(distinct * _DUPLICATE_SHARE), dice)
    queues: dict[SenderName, list[_Delivery]] = {"events": []}
    for _, number, repeated in sorted(_arrivals(len(reports), copies, dice)):
        events = reports[number]
        queues.setdefault(sender_of(events[0]), []).append(_Delivery(events, repeated))
    valid = reports[0][0]
    invalid, refused = invalid_events(valid), refused_requests(valid)
    for event in invalid:
        queues["events"].insert(dice.randint(0, len(queues["events"])), _Delivery((event,)))
    posts = [tuple(_posts(sender, queue, dice, run)) for sender, queue in sorted(queues.items())]
    placed = [((place + 1) / len(queue), post) for queue in (*posts, refused) for place, post in enumerate(queue)]
    return Deliveries(
        posts=tuple(post for _, post in sorted(placed, key=lambda one: one[0])),
        broken=broken_records(valid),
        distinct=distinct,
        duplicates=sum(len(reports[number]) for number in copies),
        rejected=len(invalid),
        refused=len(refused),
    )


def _choose_copies(reports: Sequence[Events], events: int, dice: Dice) -> list[int]:
    """Choose reports to deliver twice that have ``events`` events together (fewer if none is small enough)."""
    copies: list[int] = []
    for number in dice.sample(range(len(reports)), len(reports)):
        if len(reports[number]) <= events:
            copies.append(number)
            events -= len(reports[number])
    return copies


def _arrivals(count: int, copies: list[int], dice: Dice) -> Iterator[tuple[float, int, bool]]:
    """Yield each report's place in the order of delivery, its number, and whether it is a repeated delivery."""
    for number in range(count):
        late = count if dice.chance(_LATE_PERCENT) else _WINDOW
        yield number + dice.random() * late, number, False
    for number in copies:
        # Half are repeated at once, as after a lost answer; half much later, as after an outage.
        delay = _WINDOW + (dice.random() * 5 if dice.chance(50) else dice.expovariate(1 / 500))
        yield number + delay, number, True


def _posts(name: SenderName, queue: list[_Delivery], dice: Dice, run: str) -> Iterator[Post]:
    """Put what one sender delivers into requests of random sizes, in its order."""
    sender = SENDERS[name]
    for _, group in groupby(queue, key=lambda one: sender.request_key(one.events[0])):
        rest = list(group)
        while rest:
            size = dice.randint(1, sender.largest)
            part, rest = rest[:size], rest[size:]
            items = [(sender.repeated if one.repeated else dict)(sender.item(one.events)) for one in part]
            first = part[0].events[0]
            path = sender.path.format(campaign=quote(first["data"].get("campaign", ""), safe=""))
            yield Post(name, path, sender.body(items, first, run), sum(len(one.events) for one in part))
