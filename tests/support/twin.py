"""The read models in memory: the twin of `PostgresStore`, for laws over thousands of histories."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from projections.engine.chunk import RecordedEvents, project
from projections.engine.ids import NO_CONTACT, personal_id
from projections.engine.metadata import Key, Row, Rows, key_of
from projections.engine.projection import ERASING, ContactEvent, Projection
from projections.erasures.folds import erased_event, erased_events, horizons, latest_erasures
from projections.erasures.tables import ERASED_EVENTS, ErasureRow
from projections.erasures.tables import TABLE as ERASURES
from projections.registry import PROJECTIONS
from projections.timeline.counting import MessageChanges, plain
from projections.timeline.folds import distinct, event_of, known_event, overrules, says_otherwise
from projections.timeline.messages import counting_events, sent_message
from projections.timeline.tables import TABLE as TIMELINE
from projections.timeline.tables import TimelineRow
from schemas.events import ContactRef, Event
from tests.support.strategies import BASE_MS, DAY_MS


def contact_events(events: Iterable[Event]) -> list[ContactEvent]:
    """The events with their contacts' ids."""
    return [
        ContactEvent(personal_id(event.tenant.encode(), event.contact.key) if event.contact else NO_CONTACT, event)
        for event in events
    ]


class MemoryStore:
    """An in-memory `ChunkStore`: rows by table and key.

    Histories come in pages of ``page`` events; ``histories`` is how many were read.
    """

    page = 2

    def __init__(self, projections: Sequence[Projection] = PROJECTIONS) -> None:
        self.histories = 0
        self.tables: dict[sa.Table, Rows] = {
            TIMELINE: {},
            ERASURES: {},
            ERASED_EVENTS: {},
            **{one.table: {} for one in projections},
        }

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        known = {key: ErasureRow(*row) for key, row in self.tables[ERASURES].items()}
        until = horizons(events, known)
        before, erased_before = set(self.tables[TIMELINE]), set(self.tables[ERASED_EVENTS])
        contacts = {(one.event.tenant, one.contact_id): one.event.contact for one in events if one.event.contact}
        stored = [event_of(TimelineRow(*row), contacts) for row in self.tables[TIMELINE].values()]
        self.tables[ERASURES] = dict(until)
        self.tables[ERASED_EVENTS] |= erased_events((*events, *stored), until)
        gone = self.tables[ERASED_EVENTS]
        left = {
            key: row
            for key, row in self.tables[TIMELINE].items()
            if tuple(erased_event(event_of(TimelineRow(*row), {}))) not in gone
        }
        changed = [row for key, row in until.items() if row != known.get(key)]
        remade = {key[:2] for key in self.tables[TIMELINE].keys() - left.keys()} | {row[:2] for row in changed}
        self.tables[TIMELINE] = left
        erased = {
            key: one for key, (_, one) in distinct(one for one in events if tuple(erased_event(one)) in gone).items()
        }
        return replace(
            self._record([one for one in events if tuple(erased_event(one)) not in gone]),
            erased=[*erased.values()],
            erased_again=[
                one for key, one in erased.items() if key in before or tuple(erased_event(one)) in erased_before
            ],
            erasures=latest_erasures(events, changed),
            remade={key: ref for key, ref in contacts.items() if key in remade},
            horizons=until,
        )

    def _record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        new: list[ContactEvent] = []
        overruling: list[tuple[ContactEvent, ContactEvent]] = []
        timeline = self.tables[TIMELINE]
        for key, (row, one) in distinct(events).items():
            known = TimelineRow(*timeline[key]) if key in timeline else None
            if known is None:
                new.append(one)
            elif not overrules(row, known):
                continue
            elif says_otherwise(row, known):
                overruling.append((one, known_event(known, one)))
            timeline[key] = row
        changes = MessageChanges(new, overruling)
        now = [*new, *(one for one, _ in overruling)]
        contacts = {(one.event.tenant, one.contact_id): one.event.contact for one in now if one.event.contact}
        messages = {key for key, _ in changes.lookups}
        others = [one for one in self._events(contacts) if sent_message(one) in messages] if messages else []
        counting, withdrawn = changes.decide(others)
        before = plain(one for _, one in overruling)
        return RecordedEvents(new, overruling, plain(now) + counting, before + withdrawn)

    async def history(
        self, contacts: Mapping[Key, ContactRef], types: Collection[str]
    ) -> AsyncIterator[Sequence[ContactEvent]]:
        self.histories += 1
        for key, contact in contacts.items():
            events = sorted(counting_events(self._events({key: contact})), key=lambda one: one.event.stamp)
            events = [one for one in events if one.event.type not in ERASING]
            wanted = [one for number, one in enumerate(events) if number == 0 or one.event.type in types]
            for start in range(0, len(wanted), self.page):
                yield wanted[start : start + self.page]

    async def vouching(self, contacts: Mapping[Key, ContactRef]) -> AsyncIterator[Sequence[ContactEvent]]:
        for one in self._events(contacts):
            if one.event.intrinsic:
                yield [one]

    def _events(self, contacts: Mapping[Key, ContactRef]) -> list[ContactEvent]:
        rows = [TimelineRow(*row) for key, row in self.tables[TIMELINE].items() if key[:2] in contacts]
        return [event_of(row, contacts) for row in rows]

    async def load(self, table: sa.Table, keys: Collection[Key]) -> dict[Key, Any]:
        return {key: self.tables[table][key] for key in keys if key in self.tables[table]}

    async def save(self, table: sa.Table, rows: Collection[Row]) -> None:
        keyed = {key_of(table, row): row for row in rows}
        assert len(keyed) == len(rows), f"a key of {table.name} comes twice"
        self.tables[table].update(keyed)

    async def delete_contacts(self, table: sa.Table, contacts: Collection[Key]) -> None:
        self.tables[table] = {key: row for key, row in self.tables[table].items() if key[:2] not in contacts}


async def fold_in_memory(
    chunks: Iterable[Sequence[ContactEvent]], projections: Sequence[Projection] = PROJECTIONS
) -> tuple[dict[sa.Table, Rows], int]:
    """The tables that the chunks come to, one after the other, and how many events were new."""
    store = MemoryStore(projections)
    new = [await project(store, projections, chunk) for chunk in chunks]
    return store.tables, sum(len(one.never_seen) for one in new)


def crowded(events: Iterable[Event]) -> list[Event]:
    """The same events, moved to a handful of moments half a day apart, so that ties and late ones are the rule."""
    return [event.model_copy(update={"occurred_at": BASE_MS + event.occurred_at % 6 * DAY_MS // 2}) for event in events]


@st.composite
def chunkings(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The same events in another order, some of them twice, cut into chunks."""
    order = draw(st.permutations(list(events) + draw(st.lists(st.sampled_from(events), max_size=5)) if events else []))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    edges = [0, *cuts, len(order)]
    return [list(order[start:end]) for start, end in pairwise(edges)]
