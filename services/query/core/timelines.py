"""Which page of a timeline is asked for, and the page as its readers get it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from projections.timeline.queries import NEWEST, Entry, TimelinePosition
from services.query.core import cursors

# Of a page's data; the envelopes come on top. One event is at most a quarter of a mebibyte.
MOST_BYTES: Final = 4 * 1_048_576


@dataclass(frozen=True, slots=True)
class TimelineQuery:
    """Which page of a timeline: at most how many events, of which types (none: all), after which position."""

    limit: int
    types: Sequence[str] | None = None
    after: TimelinePosition = NEWEST


def page_json(entries: Sequence[Entry]) -> bytes:
    """The page as TimelinePage describes it."""
    return _page(entries, lambda entry: {"contact": f"{entry.channel}:{entry.account}:{entry.uid}"})


def account_page_json(entries: Sequence[Entry]) -> bytes:
    """The page as AccountEventPage describes it."""
    return _page(entries, lambda entry: {"account": f"{entry.channel}:{entry.account}"})


def _page(entries: Sequence[Entry], whose: Callable[[Entry], dict[str, str]]) -> bytes:
    """The page as JSON.

    Each event's data goes out as the JSON text that it is kept as, unread: nothing is lost on the way, and a page of
    large events costs no more than its bytes.
    """
    more = bool(entries) and entries[-1].more
    events = [_event(entry) | whose(entry) for entry in entries]
    return orjson.dumps({"events": events, "next": cursors.write(entries[-1].position) if more else None})


def _event(entry: Entry) -> dict[str, object]:
    return {
        "event_id": entry.event_id,
        "type": entry.type,
        "occurred_at": entry.occurred_at,
        "received_at": entry.received_at,
        "source": entry.source,
        "data": orjson.Fragment(entry.data),
    }
