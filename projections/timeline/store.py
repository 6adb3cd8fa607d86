"""The timeline in PostgreSQL, and the store of a chunk: beside the timeline, the tables that are folded from it."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from projections.engine import store
from projections.engine.chunk import RecordedEvents
from projections.engine.connection import Connection
from projections.engine.known_rows import KnownRows
from projections.engine.metadata import Key, Row, row_columns
from projections.engine.projection import ERASING, ContactEvent
from projections.engine.statements import array, compiled, for_each, unnested
from projections.timeline.counting import MessageChanges, plain
from projections.timeline.erasing import erase
from projections.timeline.folds import distinct, event_of, known_event, overrules, says_otherwise
from projections.timeline.messages import SENT
from projections.timeline.selects import counts
from projections.timeline.tables import TABLE, TimelineRow
from schemas.events import ContactRef

_IF_NEW: Final = store.insert_new(TABLE)
_PAGE: Final = 500  # events of a history in memory at a time
_MESSAGES: Final = unnested(
    "given", [TABLE.c.tenant, TABLE.c.contact_id, sa.column("message_id", sa.Text()), TABLE.c.event_id]
)
_OTHER: Final = for_each(
    sa.select(*row_columns(TABLE)).where(
        TABLE.c.tenant == _MESSAGES.c.tenant,
        TABLE.c.contact_id == _MESSAGES.c.contact_id,
        TABLE.c.data["message_id"].astext == _MESSAGES.c.message_id,
        TABLE.c.type == SENT,
        TABLE.c.event_id != _MESSAGES.c.event_id,
    ),
    "other",
)
_OTHERS: Final = compiled(sa.select(*_OTHER.c).select_from(_MESSAGES.join(_OTHER, sa.true())), *_MESSAGES.c.keys())
_STAMP: Final = (TABLE.c.occurred_at, TABLE.c.event_id)


def _of_contact(given: sa.FromClause, table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.tenant == given.c.tenant, table.c.contact_id == given.c.contact_id)


def _history_statement() -> str:
    """The events of these types that count, and each contact's earliest one."""
    contacts = unnested("given", [TABLE.c.tenant, TABLE.c.contact_id])
    first = TABLE.alias("first")
    earliest = (
        sa.select(first.c.event_id)
        .where(_of_contact(contacts, first), first.c.type.not_in(sorted(ERASING)), counts(first, SENT))
        .order_by(first.c.occurred_at, first.c.event_id)
        .limit(1)
        .lateral("earliest")
    )
    wanted = (TABLE.c.type == sa.any_(array("types", sa.Text()))) | (TABLE.c.event_id == earliest.c.event_id)
    of_contact = sa.select(*row_columns(TABLE)).where(_of_contact(contacts, TABLE), wanted, counts(TABLE, SENT))
    event = for_each(of_contact, "event")
    return compiled(
        sa.select(*event.c)
        .select_from(contacts.join(earliest, sa.true()).join(event, sa.true()))
        .order_by(*(event.c[name] for name in ("tenant", "contact_id", "occurred_at", "event_id"))),
        *(*contacts.c.keys(), "types"),
    )


def _vouching_statement() -> str:
    """All events with intrinsic identifiers; the other ones are not read."""
    contacts = unnested("given", [TABLE.c.tenant, TABLE.c.contact_id])
    vouches = sa.cast(TABLE.c.intrinsic, sa.Text) != "[]"
    event = for_each(sa.select(*row_columns(TABLE)).where(_of_contact(contacts, TABLE), vouches), "event")
    return compiled(sa.select(*event.c).select_from(contacts.join(event, sa.true())), *contacts.c.keys())


_HISTORY: Final = _history_statement()
_VOUCHING: Final = _vouching_statement()


class PostgresStore:
    """See `ChunkStore`: on one connection, in whose search path the generation comes first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known = KnownRows(connection)

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """See `ChunkStore`. Two statements; more where events are known or erased, or are messages of the team."""
        left = await erase(self._connection, events)
        return replace(
            await self._record(left.kept),
            erased=left.erased,
            erased_again=left.again,
            erasures=left.erasures,
            remade=left.remade,
            horizons=left.horizons,
        )

    async def _record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """Add what is left of the events to the timeline."""
        chosen = distinct(events)
        known = await self._add({key: row for key, (row, _) in chosen.items()})
        if not known:
            return await self._recorded([one for _, one in chosen.values()], [])
        overruling = await self._overrule({key: one for key, one in chosen.items() if key in known})
        return await self._recorded([one for key, (_, one) in chosen.items() if key not in known], overruling)

    async def _add(self, rows: Mapping[Key, TimelineRow]) -> Collection[Key]:
        """Add those of the rows that are new; the keys of those that are known."""
        inserted = await store.insert(self._connection, _IF_NEW, rows.values())
        return () if len(inserted) == len(rows) else rows.keys() - {tuple(record) for record in inserted}

    async def history(
        self, contacts: Mapping[Key, ContactRef], types: Collection[str]
    ) -> AsyncIterator[Sequence[ContactEvent]]:
        """See `ChunkStore`. One statement, whose rows are fetched by the page."""
        async for page in self._pages(contacts, _HISTORY, sorted(types)):
            yield page

    async def vouching(self, contacts: Mapping[Key, ContactRef]) -> AsyncIterator[Sequence[ContactEvent]]:
        """All events of the contacts with intrinsic identifiers, in pages and in no particular order."""
        async for page in self._pages(contacts, _VOUCHING):
            yield page

    async def load(self, table: sa.Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        return await self._known.load(table, keys)

    async def save(self, table: sa.Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        await self._known.save(table, rows)

    async def delete_contacts(self, table: sa.Table, contacts: Collection[Key]) -> None:
        """See `ChunkStore`."""
        self._known.forget(table)
        await store.delete_contacts(self._connection, table, contacts)

    async def _overrule(
        self, repeated: Mapping[Key, tuple[TimelineRow, ContactEvent]]
    ) -> list[tuple[ContactEvent, ContactEvent]]:
        """Replace known rows by those that take their place; events that say something else, with the known ones."""
        known: dict[Key, TimelineRow] = await self.load(TABLE, list(repeated))
        better = {key: row for key, (row, _) in repeated.items() if overrules(row, known[key])}
        await self.save(TABLE, sorted(better.values()))
        return [
            (repeated[key][1], known_event(known[key], repeated[key][1]))
            for key, row in better.items()
            if says_otherwise(row, known[key])
        ]

    async def _recorded(
        self, new: list[ContactEvent], overruling: list[tuple[ContactEvent, ContactEvent]]
    ) -> RecordedEvents:
        """With what counts now, after a look at the other events of the team's messages."""
        changes = MessageChanges(new, overruling)
        counting, withdrawn = changes.decide(await self._others(changes, [*new, *(now for now, _ in overruling)]))
        return RecordedEvents(
            new,
            overruling,
            plain([*new, *(now for now, _ in overruling)]) + counting,
            plain(before for _, before in overruling) + withdrawn,
        )

    async def _others(self, changes: MessageChanges, chunk: Iterable[ContactEvent]) -> list[ContactEvent]:
        lookups = changes.lookups
        if not lookups:
            return []
        records = await self._connection.fetch(_OTHERS, *store.columns((*key, event_id) for key, event_id in lookups))
        if not records:
            return []
        contacts = {(one.event.tenant, one.contact_id): one.event.contact for one in chunk if one.event.contact}
        return [event_of(TimelineRow(*record), contacts) for record in records]

    async def _pages(
        self, contacts: Mapping[Key, ContactRef], statement: str, *more: object
    ) -> AsyncIterator[list[ContactEvent]]:
        cursor = await self._connection.cursor(statement, *store.columns(contacts), *more)
        while records := await cursor.fetch(_PAGE):
            yield [event_of(TimelineRow(*record), contacts) for record in records]
