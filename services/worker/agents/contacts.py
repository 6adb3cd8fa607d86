"""The agent "contacts": saves channel events in the contacts' read models and passes evidence on to "identity".

Kafka acknowledges the evidence before the rows are committed: a crash in between sends it again, which the receiver
ignores, and never loses any. Some channels repeat an intrinsic identifier with every message;
`projections.intrinsics` decides which of these events are passed on. A process that folds some read models only passes
nothing on.
"""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from projections.customers.touched import NotingStore
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.engine.stages import enter
from projections.engine.topic_keys import contacts_key
from projections.engine.touched import note_touched
from projections.intrinsics.evidence import evidence
from projections.intrinsics.store import save_chunk as save_intrinsics
from projections.quota.store import CountingStore, save_changes
from projections.registry import counts_quota, projections_of
from projections.timeline.bulk import BulkStore
from projections.timeline.store import PostgresStore
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.vault.records import EncodedEvent
from services.worker.agent_spec import AgentSpec, BackgroundService, WorkerResources
from services.worker.background.composer import Composer
from services.worker.background.job_runner import JobRunner
from services.worker.background.segment_counter import SegmentCounter
from services.worker.jobs.bulk_action import BulkActionKind
from services.worker.jobs.bulk_undo import BulkUndo
from services.worker.jobs.erasure import ErasureKind
from services.worker.jobs.export import Export
from services.worker.jobs.imports import Import
from services.worker.jobs.kind import JobKind
from services.worker.jobs.publishing import EventPublisher
from services.worker.jobs.rebuild import Rebuild

_REST: Final = 0.5  # times a transaction; those who answer requests need the processor too


def contacts(resources: WorkerResources) -> AgentSpec:
    """The agent that reads channel events."""
    projections = projections_of(resources.read_models)
    make_store = BulkStore if resources.bulk else PostgresStore

    async def save_together(
        connection: Connection, partitions: Sequence[list[ContactEvent]], numbers: Sequence[int]
    ) -> list[int]:
        store = make_store(connection)
        counting = CountingStore(store)
        noting = NotingStore(counting)
        recorded = await project(noting, projections, [one for events in partitions for one in events])
        if counts_quota(resources.read_models):
            await save_changes(connection, counting.changes(_partition_of(partitions, numbers)))
        new = {id(one) for one in recorded.never_seen}
        counts = [sum(id(one) in new for one in events) for events in partitions]
        if resources.read_models is not None:
            return counts
        await note_touched(connection, noting.touched())
        passed_on = evidence(recorded, await save_intrinsics(connection, store, recorded))
        if passed_on:
            enter("send")
            await resources.send(IDENTITY_EVIDENCE, [EncodedEvent.of(event) for event in passed_on])
        return counts

    async def save(connection: Connection, events: list[ContactEvent], partition: int) -> int:
        return (await save_together(connection, [events], [partition]))[0]

    return AgentSpec("contacts", CHANNEL_EVENTS, contacts_key, save, _background(resources), save_together, _REST)


def _background(resources: WorkerResources) -> tuple[BackgroundService, ...]:
    """What works on customers as a whole; nothing where the process folds some read models only."""
    if resources.read_models is not None:
        return ()
    settings, connect = resources.settings, resources.connect
    region = settings.default_region
    publisher = EventPublisher(resources.send, resources.seconds_behind)
    kinds: list[JobKind] = [
        Export(connect),
        Import(settings.database_url, connect, resources.send, resources.id_of, region),
        BulkActionKind(connect, publisher),
        BulkUndo(connect, publisher),
        ErasureKind(lambda: settings.master_key, connect, publisher, resources.sealing, resources.id_of),
        Rebuild(),
    ]
    jobs = JobRunner(settings.database_url, connect, kinds, file_days=settings.job_file_days)
    return (Composer(connect, region, resources.seconds_behind), SegmentCounter(connect, region), jobs)


def _partition_of(partitions: Sequence[list[ContactEvent]], numbers: Sequence[int]) -> Callable[[UUID], int]:
    """Gives the number of the partition in which a contact's events are."""
    found = {one.contact_id: number for events, number in zip(partitions, numbers, strict=True) for one in events}
    return found.__getitem__
