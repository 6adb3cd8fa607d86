"""Stock Faust: an ordinary agent on Faust's own transport, event by event, one ORM transaction each.

It is written for correctness, not for throughput: decode with the same codec; in one SQLAlchemy 2 async session look
whether the event is in the timeline, add it if not, load its rows by primary key, apply the same rules, commit; Faust
keeps the offsets. Settings of Faust and SQLAlchemy are the defaults, except that the web server and the leader topic,
which only cost time, are off. It gets uvloop, and a pool that keeps its connection.

It writes the tables of contacts only: it passes no evidence on and resolves no identity.

The clock runs from the assignment of the partitions to the commit of the last event. The log is the first part of the
same events, on as many partitions.
"""

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Any, Final

import faust
import orjson
import sqlalchemy as sa
from faust.contrib.asgi import faust_app_running
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.bed import Bed, generation_of, reading
from benchmarks.end_to_end.checks import note_offsets, require_balance, require_tables_as_folded
from benchmarks.end_to_end.children import rate_of, run_child
from benchmarks.end_to_end.stock_models import MODELS, assign, row_of
from projections.engine.ids import IdOf
from projections.engine.metadata import Key, Row, key_of, row_columns
from projections.engine.projection import ContactEvent, Projection, fold_all
from projections.registry import CONTACT_TABLES, PROJECTIONS
from projections.timeline.folds import row_of as timeline_row
from projections.timeline.tables import TABLE as TIMELINE
from schemas.codec import decode, from_dict
from schemas.events import CURRENT_VERSION, Event
from schemas.topics import CHANNEL_EVENTS
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

_ENVELOPE: Final = ("event_id", "tenant", "type", "occurred_at", "received_at", "source")


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s."""
    rate = await rate_of(bed, settings, __name__, events)
    async with reading(settings) as connection:
        await note_offsets(connection, settings)
        await require_balance(connection, events)
    return rate


async def checked(bed: Bed, settings: Settings, events: int) -> float:
    """Its events/s, after every row of every table was compared with a fold in memory."""
    rate = await run(bed, settings, events)
    await require_tables_as_folded(settings, CONTACT_TABLES)
    return rate


class Handler:
    """Handles one event in one transaction."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], identify: IdOf) -> None:
        self._sessions = sessions
        self._identify = identify

    async def handle(self, raw: bytes) -> None:
        """Write the event to every table, unless it is there."""
        event = decode(raw)
        if event.contact is None:
            raise ValueError("the workload is about contacts")
        contact_event = ContactEvent(self._identify(event.tenant, event.contact.key), event)
        async with self._sessions.begin() as session:
            if await self._record(session, contact_event):
                for projection in PROJECTIONS:
                    if projection.types is None or event.type in projection.types:
                        await self._apply(session, projection, contact_event)

    async def _record(self, session: AsyncSession, contact_event: ContactEvent) -> bool:
        row = timeline_row(contact_event)
        if await session.get(MODELS[TIMELINE], key_of(TIMELINE, row)) is not None:
            return False
        session.add(MODELS[TIMELINE](**row._asdict()))
        return True

    async def _apply(self, session: AsyncSession, projection: Projection, contact_event: ContactEvent) -> None:
        model, table = MODELS[projection.table], projection.table
        for suffix in projection.suffixes(contact_event.event):
            key = (contact_event.event.tenant, contact_event.contact_id, *suffix)
            entity = await session.get(model, key)
            row = projection.fold(row_of(table, entity) if entity else None, key, (contact_event.event,))
            if row is None:
                row = await self._from_history(session, projection, contact_event, key)
            if entity is None:
                session.add(model(**dict(zip((column.name for column in row_columns(table)), row, strict=True))))
            else:
                assign(table, entity, row)

    async def _from_history(
        self, session: AsyncSession, projection: Projection, contact_event: ContactEvent, key: Key
    ) -> Row:
        """Return the row folded from all events of the contact, this one included: for events out of order."""
        model = MODELS[TIMELINE]
        mine = sa.select(model).where(model.tenant == key[0], model.contact_id == key[1])
        found = (await session.scalars(mine)).all()
        events = [ContactEvent(contact_event.contact_id, _event(entity, contact_event.event)) for entity in found]
        return next(row for row in fold_all(projection, events) if key_of(projection.table, row) == key)


def _event(entity: Any, like: Event) -> Event:
    envelope: dict[str, Any] = {name: getattr(entity, name) for name in _ENVELOPE}
    envelope |= {"contact": like.contact, "data": orjson.loads(entity.data)}
    return from_dict(envelope | {"schema_version": CURRENT_VERSION.get(entity.type, 1)}, check_text=False)


def create_app(settings: Settings) -> faust.App:
    """Return an app with a new consumer group."""
    return faust.App(
        f"{generation_of(settings)}-stock",
        broker=[f"kafka://{server}" for server in settings.kafka_servers.split(",")],
        datadir=settings.data_dir / "stock",
        store="memory://",
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        worker_redirect_stdouts=False,
        web_enabled=False,
    )


async def _run(settings: Settings, events: int) -> float:
    """Return the seconds it took."""
    engine = create_async_engine(
        settings.database_url.replace("postgresql:", "postgresql+asyncpg:", 1),
        connect_args={"server_settings": {"search_path": generation_of(settings)}},
        json_serializer=str,
        json_deserializer=str,
    )
    handler = Handler(async_sessionmaker(engine, expire_on_commit=False), id_of(settings.master_key))
    app = create_app(settings)
    topic = app.topic(CHANNEL_EVENTS.full_name(settings.topic_prefix), value_type=bytes, value_serializer="raw")
    assigned: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    finished: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    @app.on_partitions_assigned.connect
    async def note(*_: Any, **__: Any) -> None:
        if not assigned.done():
            assigned.set_result(time.monotonic())

    @app.agent(topic)
    async def contacts(stream: AsyncIterable[bytes]) -> None:
        done = 0
        async for value in stream:
            await handler.handle(value)
            done += 1
            if done == events:
                finished.set_result(time.monotonic())

    async with faust_app_running(app):
        seconds = await finished - await assigned
    await engine.dispose()
    return seconds


def main() -> None:
    """Run the process."""
    run_child(_run)


if __name__ == "__main__":
    main()
