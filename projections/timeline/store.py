"""The timeline in PostgreSQL: put events in, learn which were new, read a contact's history back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa

from projections.engine.metadata import Key, key_of
from projections.engine.projection import ContactEvent
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns, insert, insert_new, load, save
from projections.timeline.folds import distinct, rank
from projections.timeline.tables import TABLE, TimelineRow
from schemas.codec import from_dict
from schemas.events import CURRENT_VERSION, ContactRef, Event

_IF_NEW: Final = insert_new(TABLE)
_CONTACTS: Final = unnested("given", [TABLE.c.tenant, TABLE.c.contact_id])
_TYPES: Final = array("types", sa.Text())
_HISTORY: Final = compiled(
    sa.select(TABLE)
    .join(_CONTACTS, sa.and_(TABLE.c.tenant == _CONTACTS.c.tenant, TABLE.c.contact_id == _CONTACTS.c.contact_id))
    .where(_TYPES.is_(None) | (TABLE.c.type == sa.any_(_TYPES))),
    "tenant",
    "contact_id",
    "types",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What putting a chunk into the timeline showed.

    ``fresh`` are events never seen before. ``contested`` are the (tenant, contact_id) of which a known event turned
    out to have other content that counts: their rows must be folded again from their history.
    """

    fresh: list[ContactEvent]
    contested: set[Key]


async def record(connection: Any, happened: Sequence[ContactEvent]) -> Recorded:
    """Add a chunk's events, each once."""
    chosen = distinct(happened)
    if not chosen:
        return Recorded([], set())
    rows = [row for row, _ in chosen.values()]
    inserted = await insert(connection, _IF_NEW, rows)
    if len(inserted) == len(rows):
        return Recorded([one for _, one in chosen.values()], set())
    new = {tuple(record) for record in inserted}
    repeated = {key: row for key, (row, _) in chosen.items() if key not in new}
    contested = await _settle(connection, repeated)
    return Recorded([one for key, (_, one) in chosen.items() if key in new], contested)


async def _settle(connection: Any, repeated: dict[Key, TimelineRow]) -> set[Key]:
    known = await load(connection, TABLE, list(repeated))
    better = [row for key, row in repeated.items() if rank(row) < rank(TimelineRow(*known[key]))]
    await save(connection, TABLE, sorted(better))
    return {row[:2] for row in better if rank(row)[:-1] != rank(TimelineRow(*known[key_of(TABLE, row)]))[:-1]}


async def history(
    connection: Any, contacts: dict[Key, ContactRef], types: Collection[str] | None
) -> list[ContactEvent]:
    """Every event of the contacts, of these types (none: all), in no particular order."""
    wanted = None if types is None else sorted(types)
    records = await connection.fetch(_HISTORY, *columns(contacts), wanted)
    return [ContactEvent(record["contact_id"], _event(record, contacts)) for record in records]


def _event(record: Any, contacts: dict[Key, ContactRef]) -> Event:
    envelope = {name: record[name] for name in ("tenant", "event_id", "occurred_at", "received_at", "type", "source")}
    envelope["contact"] = contacts[record["tenant"], record["contact_id"]]
    envelope["data"] = orjson.loads(record["data"])
    envelope["schema_version"] = CURRENT_VERSION.get(record["type"], 1)  # kept as it was after upcasting
    return from_dict(envelope, check_text=False)
