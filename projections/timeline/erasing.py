"""Erases contacts' events as a chunk asks for it, before the chunk is recorded."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from projections.engine import store
from projections.engine.connection import Connection
from projections.engine.metadata import Key, key_columns
from projections.engine.projection import ERASED, ContactEvent
from projections.engine.statements import compiled, for_each, unnested
from projections.erasures.folds import erased_event, horizons, is_erased, latest_erasures, listed_events
from projections.erasures.tables import ERASED_EVENTS, ErasedEventRow, ErasureRow, digest_column
from projections.erasures.tables import TABLE as ERASURES
from projections.timeline.folds import distinct
from projections.timeline.tables import TABLE
from schemas.events import ContactRef

_NONE: Final[Mapping[Key, ErasureRow]] = MappingProxyType({})
_IF_NEW: Final = store.insert_new(ERASED_EVENTS)


def _erase_until() -> str:
    """Deletes the events of contacts up to their horizons, and keeps hashes of their ids."""
    given = unnested("given", [ERASURES.c.tenant, ERASURES.c.contact_id, ERASURES.c.at, ERASURES.c.event_id])
    stamp, horizon = sa.tuple_(TABLE.c.occurred_at, TABLE.c.event_id), sa.tuple_(given.c.at, given.c.event_id)
    gone = (
        sa.delete(TABLE)
        .where(
            TABLE.c.tenant == given.c.tenant,
            TABLE.c.contact_id == given.c.contact_id,
            sa.or_(stamp < horizon, sa.and_(stamp == horizon, TABLE.c.type != ERASED)),
        )
        .returning(TABLE.c.tenant, TABLE.c.contact_id, TABLE.c.event_id)
        .cte("gone")
    )
    rows = sa.select(gone.c.tenant, gone.c.contact_id, digest_column(gone))
    return compiled(_or_known(rows), *given.c.keys())


def _or_known(rows: sa.Select[Any]) -> Any:
    statement = sa.dialects.postgresql.insert(ERASED_EVENTS).from_select([*ERASED_EVENTS.c.keys()], rows)
    return statement.on_conflict_do_nothing(index_elements=key_columns(ERASED_EVENTS))


def _erase_listed() -> str:
    """Deletes single events of contacts, given by hashes of their ids."""
    given = unnested("given", key_columns(ERASED_EVENTS))
    own = TABLE.alias("own")
    same = (own.c[name] == given.c[name] for name in ("tenant", "contact_id"))
    key = (own.c[column.name] for column in key_columns(TABLE))
    found = for_each(sa.select(*key).where(*same, digest_column(own) == given.c.digest), "found")
    listed = sa.select(*found.c).select_from(given.join(found, sa.true())).subquery("listed")
    deleted = sa.delete(TABLE).where(*(column == listed.c[column.name] for column in key_columns(TABLE)))
    return compiled(deleted.returning(*key_columns(TABLE)), *given.c.keys())


def _delete() -> str:
    given = unnested("given", key_columns(TABLE))
    same = (column == given.c[column.name] for column in key_columns(TABLE))
    deleted = sa.delete(TABLE).where(*same).returning(*key_columns(TABLE))
    return compiled(deleted, *given.c.keys())


_ERASE_UNTIL: Final = _erase_until()
_ERASE_LISTED: Final = _erase_listed()
_DELETE: Final = _delete()


class LeftOfChunk(NamedTuple):
    """The events that are left of a chunk, those that are erased, and the contacts whose rows are made again.

    Of erased ones ``again`` are those that were known, also as other copies. Of an event's copies the least is given.
    ``erasures`` are the events that now are the latest erasures, with all that erase single events, and ``horizons``
    the rows of the latest ones of the chunk's contacts, known ones among them.
    """

    kept: Sequence[ContactEvent]
    erased: Sequence[ContactEvent]
    again: Sequence[ContactEvent]
    remade: dict[Key, ContactRef]
    erasures: Sequence[ContactEvent] = ()
    horizons: Mapping[Key, ErasureRow] = _NONE


async def erase(connection: Connection, events: Sequence[ContactEvent]) -> LeftOfChunk:
    """Erase what the chunk's erasures, and known ones, leave nothing of. One statement where there is none."""
    contacts = {(one.event.tenant, one.contact_id): one.event.contact for one in events if one.event.contact}
    stored: dict[Key, ErasureRow] = await store.load(connection, ERASURES, list(contacts))
    until = horizons(events, stored)
    if not until:
        return LeftOfChunk(events, [], [], {})
    changed = [row for key, row in sorted(until.items()) if row != stored.get(key)]
    if changed:
        await store.save(connection, ERASURES, changed)
        await connection.execute(_ERASE_UNTIL, *store.columns(changed))
    listed = sorted(set(listed_events(events)))
    singly = await connection.fetch(_ERASE_LISTED, *store.columns(listed)) if listed else []
    own = [(one, until[key]) for one in events if (key := (one.event.tenant, one.contact_id)) in until]
    of_erased = {id(one): tuple(erased_event(one)) for one, _ in own}
    known = await store.load(connection, ERASED_EVENTS, list(set(of_erased.values())))
    gone = known.keys() | map(tuple, listed) | {of_erased[id(one)] for one, horizon in own if is_erased(one, horizon)}
    kept = [one for one in events if of_erased.get(id(one)) not in gone]
    erased = {key: one for key, (_, one) in distinct(one for one in events if of_erased.get(id(one)) in gone).items()}
    deleted = {tuple(record) for record in await connection.fetch(_DELETE, *store.columns(erased))} if erased else set()
    await store.insert(connection, _IF_NEW, [ErasedEventRow(*key) for key in sorted(gone - known.keys())])
    deleted |= {tuple(record) for record in singly}
    remade = {row[:2] for row in changed} | {key[:2] for key in deleted}
    again = [one for key, one in erased.items() if key in deleted or of_erased[id(one)] in known]
    refs = {key: ref for key, ref in contacts.items() if key in remade}
    return LeftOfChunk(kept, list(erased.values()), again, refs, latest_erasures(events, changed), until)
