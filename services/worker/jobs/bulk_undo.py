"""Undoing bulk actions: what still is as the action left it becomes what it was before."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from projections.bulk_actions import store
from projections.bulk_actions.events import Author, ContactChange, event_id, undoing
from projections.bulk_actions.requests import BULK_UNDO, BulkRequest
from projections.bulk_actions.store import BulkItem
from projections.engine.connection import Connection
from schemas.events import Event
from services.control.job_leases import WorkDone
from services.control.jobs import Job
from services.worker.agent_spec import Connect
from services.worker.jobs.bulk_action import CHUNK
from services.worker.jobs.kind import JobStep
from services.worker.jobs.publishing import EventPublisher

_LOOK_EVERY: Final = 0.5  # seconds between looks whether the action's own events are folded


class BulkUndo:
    """Runs the jobs that undo bulk actions; see JobKind. It makes no file."""

    name = BULK_UNDO

    def __init__(self, connect: Connect, publisher: EventPublisher) -> None:
        self._connect = connect
        self._publisher = publisher

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:  # noqa: ARG002 - see JobKind
        """No file."""
        return None

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step for each chunk of customers, and each time that it waits for the action's own events."""
        undone_job = UUID(job.parameters["undoes"])
        request = BulkRequest.of(job.parameters)
        done = WorkDone(job.done, job.total, job.checkpoint or 0)
        async with self._connect() as connection:
            total = await store.number_of_items(connection, undone_job)
            while found := await store.items(connection, undone_job, done.checkpoint, CHUNK):
                while not await _look(connection, job, undone_job, request, found):
                    yield JobStep(done)
                    await asyncio.sleep(_LOOK_EVERY)
                found = await store.items(connection, undone_job, done.checkpoint, CHUNK)
                author = Author(job.tenant, undone_job, job.requested_by)
                await self._publisher.publish(event for item in found for event in _events(request, author, item))
                changed, looked_at = await store.undone_so_far(connection, undone_job)
                last = found[-1].number
                done = WorkDone(last, total, last, {"changed": changed, "unchanged": looked_at - changed})
                yield JobStep(done)


async def _look(
    connection: Connection, job: Job, undone_job: UUID, request: BulkRequest, found: Sequence[BulkItem]
) -> bool:
    """Store what stands of the items; False, and nothing is stored, while readers don't see all their events yet."""
    waiting = [item for item in found if item.changes and item.undone is None]
    if not waiting:
        return True
    made = {UUID(one): event_id(undone_job, UUID(one)) for item in waiting for one in item.changes}
    since = min(change.at for item in waiting for change in item.changes.values())
    stands = await store.standing(connection, job.tenant, request.order.action, made, since)
    if len(stands) < len(made):
        return False
    now = time.time_ns() // 1_000_000
    undone = [(item.number, _standing(item, stands, now)) for item in waiting]
    await store.note_undone(connection, undone_job, undone)
    return True


def _standing(item: BulkItem, stands: Mapping[UUID, Any], now: int) -> dict[str, tuple[Any, int]]:
    """What stands, with the time of its undo, which is after the change's."""
    return {
        one: (stands[UUID(one)], max(now, change.at + 1))
        for one, change in item.changes.items()
        if stands[UUID(one)] is not None
    }


def _events(request: BulkRequest, author: Author, item: BulkItem) -> Iterator[Event]:
    for contact_id, (standing, at) in (item.undone or {}).items():
        contact, before, _ = item.changes[contact_id]
        yield from undoing(request.order.action, author, UUID(contact_id), ContactChange(contact, before, at), standing)
