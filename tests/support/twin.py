"""The twin of projections.chunk over dictionaries: the same pure parts, chunk by chunk, without PostgreSQL."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import sqlalchemy as sa
from hypothesis import strategies as st

from projections.engine.ids import NO_CONTACT, personal_id
from projections.engine.metadata import Key, key_of
from projections.engine.projection import ContactEvent, Projection, fold_all, fold_groups, group
from projections.reference import Rows
from projections.registry import PROJECTIONS
from projections.timeline.folds import distinct, rank
from projections.timeline.tables import TABLE as TIMELINE
from projections.timeline.tables import TimelineRow
from schemas.events import Event
from tests.support.strategies import BASE_MS, DAY_MS


def happened(events: Iterable[Event]) -> list[ContactEvent]:
    return [
        ContactEvent(personal_id(event.tenant.encode(), event.contact.key) if event.contact else NO_CONTACT, event)
        for event in events
    ]


class MemoryReadModels:
    """Rows by table; ``project`` is chunk.project, line by line."""

    def __init__(self, projections: Sequence[Projection] = PROJECTIONS) -> None:
        self.projections = projections
        self.tables: dict[sa.Table, Rows] = {TIMELINE: {}, **{one.table: {} for one in projections}}
        self.events: dict[Key, ContactEvent] = {}

    def project(self, chunk: Sequence[ContactEvent]) -> int:
        fresh, contested = self._record(chunk)
        about = [one for one in fresh if one.event.contact is not None]
        for projection in self.projections:
            self._project_one(projection, about, contested)
        return len(fresh)

    def _record(self, chunk: Sequence[ContactEvent]) -> tuple[list[ContactEvent], set[Key]]:
        fresh, contested = [], set()
        for key, (row, one) in distinct(chunk).items():
            known = self.tables[TIMELINE].get(key)
            if known is None:
                fresh.append(one)
            elif rank(row) < rank(TimelineRow(*known)):
                contested.add(row[:2])
            else:
                continue
            self.tables[TIMELINE][key], self.events[key] = row, one
        return fresh, {key for key in contested if key[1] != NO_CONTACT}

    def _project_one(self, projection: Projection, fresh: Sequence[ContactEvent], contested: set[Key]) -> None:
        rows = self.tables[projection.table]
        changed, late = fold_groups(projection, rows, group(projection, fresh))
        again = late | contested
        rows.update({key_of(projection.table, row): row for row in changed if row[:2] not in again})
        for key in [key for key in rows if key[:2] in again]:
            del rows[key]
        history = [one for key, one in self.events.items() if key[:2] in again]
        rows.update({key_of(projection.table, row): row for row in fold_all(projection, history)})


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
