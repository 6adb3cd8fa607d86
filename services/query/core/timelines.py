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
    """Which page of a timeline: at most how many events, of which types (none: all), and where.

    The events are older than the position ``after``, or ``newer``; or they are ``around`` the event of this id.
    """

    limit: int
    types: Sequence[str] | None = None
    after: TimelinePosition = NEWEST
    newer: bool = False
    around: str | None = None

    def halves(self, position: TimelinePosition) -> tuple["TimelineQuery", "TimelineQuery"]:
        """The older half of a page around this position, with the event there, and the newer half."""
        newer = self.limit // 2
        older = TimelineQuery(self.limit - newer, self.types, position.inclusive)
        return older, TimelineQuery(newer, self.types, position, newer=True)


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Events, newest first, with the cursors of the older and of the newer ones, None where there are none."""

    entries: Sequence[Entry]
    next: str | None
    previous: str | None


def older_page(after: TimelinePosition, entries: Sequence[Entry]) -> EntryPage:
    """The page of these events, the newest first, which are older than the position."""
    newest = entries[0].position if entries else after
    return EntryPage(entries, _next(entries), None if after == NEWEST else cursors.write_newer(newest))


def newer_page(after: TimelinePosition, entries: Sequence[Entry]) -> EntryPage:
    """The page of these events, the oldest first, which are newer than the position."""
    oldest = entries[0].position if entries else after
    return EntryPage(entries[::-1], cursors.write(oldest), _previous(entries))


def page_around(position: TimelinePosition, older: Sequence[Entry], newer: Sequence[Entry] | None) -> EntryPage:
    """The page of the events on both sides of the position, the nearest first; None for newer ones not looked for."""
    previous = cursors.write_newer(position) if newer is None else _previous(newer)
    return EntryPage([*(newer or ())[::-1], *older], _next(older), previous)


def _next(entries: Sequence[Entry]) -> str | None:
    return cursors.write(entries[-1].position) if entries and entries[-1].more else None


def _previous(entries: Sequence[Entry]) -> str | None:
    return cursors.write_newer(entries[-1].position) if entries and entries[-1].more else None


def page_json(page: EntryPage) -> bytes:
    """The page as TimelinePage describes it."""
    return _json(page, lambda entry: {"contact": f"{entry.channel}:{entry.account}:{entry.uid}"})


def account_page_json(page: EntryPage) -> bytes:
    """The page as AccountEventPage describes it."""
    return _json(page, lambda entry: {"account": f"{entry.channel}:{entry.account}"})


def _json(page: EntryPage, whose: Callable[[Entry], dict[str, str]]) -> bytes:
    """The page as JSON.

    Each event's data goes out as the JSON text that it is kept as, unread: nothing is lost on the way, and a page of
    large events costs no more than its bytes.
    """
    events = [_event(entry) | whose(entry) for entry in page.entries]
    return orjson.dumps({"events": events, "next": page.next, "previous": page.previous})


def _event(entry: Entry) -> dict[str, object]:
    return {
        "event_id": entry.event_id,
        "type": entry.type,
        "occurred_at": entry.occurred_at,
        "received_at": entry.received_at,
        "source": entry.source,
        "data": orjson.Fragment(entry.data),
    }
