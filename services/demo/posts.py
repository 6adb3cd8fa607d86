"""Letters in bodies of uneven sizes, as they are posted. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Any, Final

import orjson

from services.demo import campaign_lists, line_webhooks, member_records, messenger_webhooks, site_messages
from services.demo import whatsapp_webhooks as whatsapp
from services.demo.letters import Letter, Way, item_of

MOST_EVENTS: Final = 200
_MOST: Final[dict[Way, int]] = {
    "line": line_webhooks.MOST_EVENTS,
    "facebook": messenger_webhooks.MOST_ITEMS,
    "instagram": messenger_webhooks.MOST_ITEMS,
    "whatsapp": whatsapp.MOST_ITEMS,
    "site": site_messages.MOST_MESSAGES,
    "members": member_records.MOST_RECORDS,
    "campaigns": campaign_lists.MOST_LINES,
    "events": MOST_EVENTS,
}
Arrival = tuple[Letter, bool]  # and whether it came before


@dataclass(frozen=True, slots=True)
class Post:
    """One request: which way it goes, and how many events it tells. ``campaign`` is the one that a list is of."""

    way: Way
    body: bytes
    events: int
    campaign: str = ""


def posts_of(way: Way, arrivals: Sequence[Arrival], rng: Random, story: str) -> Iterator[Post]:
    """The letters of one way, in their order; a campaign's list has one send's."""
    if way != "campaigns":
        yield from _posts(way, arrivals, rng)
        return
    for (campaign, _), some in groupby(arrivals, lambda arrival: campaign_lists.send_of(arrival[0].events[0])):
        for part in _parts(list(some), _MOST[way], rng):
            head = campaign_lists.terms(part[0][0].events[0], story)
            lines = [campaign_lists.line(letter.events[0]) for letter, _ in part]
            yield Post(way, campaign_lists.body(head, lines), len(lines), campaign)


def _posts(way: Way, arrivals: Sequence[Arrival], rng: Random) -> Iterator[Post]:
    for part in _parts(arrivals, _MOST[way], rng):
        items = [item_of(letter, rng, again=again) for letter, again in part]
        yield Post(way, orjson.dumps(body_of(way, items)), sum(len(letter.events) for letter, _ in part))


def body_of(way: Way, items: list[dict[str, Any]]) -> Any:
    """The body that carries the items; not of a campaign's list, which has a head."""
    match way:
        case "line":
            return line_webhooks.body(items)
        case "facebook" | "instagram":
            return messenger_webhooks.body(way, items)
        case "whatsapp":
            return whatsapp.body(items)
        case "site":
            return site_messages.body(items)
        case _:
            return items


def _parts(arrivals: Sequence[Arrival], largest: int, rng: Random) -> Iterator[Sequence[Arrival]]:
    start = 0
    while start < len(arrivals):
        size = rng.randint(1, largest)
        yield arrivals[start : start + size]
        start += size
