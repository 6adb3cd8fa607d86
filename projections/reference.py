"""The read models in memory, from the whole set of events at once: what the tables must come to.

It is the shortest way from events to rows, with no chunks, no loading and no history, so the tables, which are
folded by the chunk, are checked against it.
"""

from collections.abc import Iterable

from projections.engine.metadata import Rows, Table, key_of
from projections.engine.projection import ContactEvent, Projection, fold_all
from projections.erasures.folds import erased_events, horizons, unerased
from projections.erasures.tables import ERASED_EVENTS
from projections.erasures.tables import TABLE as ERASURES
from projections.timeline.folds import distinct
from projections.timeline.messages import counting_events
from projections.timeline.tables import TABLE as TIMELINE


def fold_log(projections: Iterable[Projection], events: Iterable[ContactEvent]) -> dict[Table, Rows]:
    """Every row of every table, by table and key."""
    events = list(events)
    erasures = horizons(events)
    chosen = distinct(unerased(events))
    tables: dict[Table, Rows] = {
        TIMELINE: {key: row for key, (row, _) in chosen.items()},
        ERASURES: dict(erasures),
        ERASED_EVENTS: dict(erased_events(events, erasures)),
    }
    about = counting_events(one for _, one in chosen.values() if one.event.contact is not None)
    for projection in projections:
        rows = fold_all(projection, about)
        tables[projection.table] = {key_of(projection.table, row): row for row in rows}
    return tables
