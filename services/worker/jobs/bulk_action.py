"""Bulk actions: the customers that a filter finds are fixed once, and then changed one after the other.

What is decided of a customer is stored before its events are sent, so that a job that goes on after a crash sends the
same events again, whose ids are known already.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.bulk_actions import store
from projections.bulk_actions.events import Author, ContactChange, doing
from projections.bulk_actions.queries import fix_items
from projections.bulk_actions.requests import BULK_ACTION, BulkRequest
from projections.bulk_actions.store import BulkItem, ContactBefore
from projections.customers.search.queries import Search
from projections.engine.connection import Connection
from projections.identity.queries import customers_of
from projections.identity.resolutions import active_resolution
from projections.segments.searching import with_quota_end
from services.control.job_leases import WorkDone
from services.control.jobs import Job
from services.worker.agent_spec import Connect
from services.worker.jobs.kind import JobStep
from services.worker.jobs.publishing import EventPublisher

CHUNK: Final = 500  # customers
_HEADER: Final = b"customer_id,reason\r\n"
SKIPPED: Final = {
    "no_contact": "none of the customer's contacts is meant",
    "merged": "the customer was merged into one that was affected already",
    "erased": "the customer's contacts were erased",
}


class _Decided(NamedTuple):
    number: int
    present_id: UUID
    outcome: str
    changes: Mapping[str, ContactChange]


class BulkActionKind:
    """Runs bulk actions; see JobKind. The file has the customers that were skipped, and why."""

    name = BULK_ACTION

    def __init__(self, connect: Connect, publisher: EventPublisher) -> None:
        self._connect = connect
        self._publisher = publisher

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:
        """CSV of who was skipped; none if nobody was."""
        return (f"skipped-{job.requested_at:%Y-%m-%d}.csv", "text/csv") if result["skipped"] else None

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step for each chunk of customers."""
        request = BulkRequest.of(job.parameters)
        async with self._connect() as connection:
            after = job.checkpoint
            total = await _fixed(connection, job, request)
            if after is None:
                after = 0
                yield JobStep(WorkDone(0, total, 0, await _result(connection, job)), _HEADER)
            while found := await store.items(connection, job.job_id, after, CHUNK):
                await _decide(connection, job, request, found)
                found = await store.items(connection, job.job_id, after, CHUNK)
                await self._publish(job, request, found)
                after = found[-1].number
                yield JobStep(WorkDone(after, total, after, await _result(connection, job)), _skipped(found))

    async def _publish(self, job: Job, request: BulkRequest, found: Sequence[BulkItem]) -> None:
        author = Author(job.tenant, job.job_id, job.requested_by)
        action = request.order.action
        await self._publisher.publish(
            event
            for item in found
            for contact_id, change in item.changes.items()
            for event in doing(action, author, UUID(contact_id), change)
        )


async def _fixed(connection: Connection, job: Job, request: BulkRequest) -> int:
    """How many items the job has. Those of an attempt before are kept."""
    await store.lock_items(connection, job.job_id)
    if not (known := await store.number_of_items(connection, job.job_id)):
        async with connection.transaction(isolation="repeatable_read"):
            asked = await with_quota_end(connection, job.tenant, request.asked_at)
            await fix_items(connection, job.job_id, Search(job.tenant, request.filter, asked), request.order)
        known = await store.number_of_items(connection, job.job_id)
    return known


async def _decide(connection: Connection, job: Job, request: BulkRequest, found: Sequence[BulkItem]) -> None:
    """Store what the action changes of the items whose turn it is, in one transaction."""
    waiting = [item for item in found if item.outcome is None]
    if not waiting:
        return
    now = time.time_ns() // 1_000_000
    async with connection.transaction():
        resolution = (await active_resolution(connection, job.tenant)).key
        named = sorted({one for item in waiting for one in (item.customer_id, *item.contact_ids)})
        present = {one: one for one in named} | await customers_of(connection, resolution, named)
        meant = {one: present[one] for item in waiting for one in item.contact_ids}
        since = int(job.requested_at.timestamp() * 1000)
        before = await store.contacts_before(connection, job.tenant, request.order, meant, since, now)
        handled = set()
        if request.order.chosen == "latest":  # one contact of a person, also of two that became one
            handled = await store.handled_before(connection, job.job_id, list(present.values()), waiting[0].number - 1)
        decided = []
        for item in waiting:
            person = present[item.contact_ids[0]] if item.contact_ids else present[item.customer_id]
            decided.append(_decided(item, person, before, now, merged=person in handled))
            if request.order.chosen == "latest":
                handled.add(person)
        await store.decide(connection, job.job_id, decided)


def _decided(item: BulkItem, person: UUID, before: Mapping[UUID, ContactBefore], now: int, *, merged: bool) -> _Decided:
    there = {one: before[one] for one in item.contact_ids if one in before and not before[one].erased}
    if not item.contact_ids:
        return _Decided(item.number, person, "no_contact", {})
    if not there:
        return _Decided(item.number, person, "erased", {})
    if merged:
        return _Decided(item.number, person, "merged", {})
    changes = {
        str(one): ContactChange(has.contact, has.before, now) for one, has in there.items() if has.before is not None
    }
    return _Decided(item.number, person, "changed" if changes else "unchanged", changes)


async def _result(connection: Connection, job: Job) -> dict[str, int | dict[str, int]]:
    found = await store.outcomes(connection, job.job_id)
    skipped = {reason: found[reason] for reason in SKIPPED if reason in found}
    return {"changed": found.get("changed", 0), "unchanged": found.get("unchanged", 0), "skipped": skipped}


def _skipped(found: Sequence[BulkItem]) -> bytes:
    lines = (f"{item.customer_id},{item.outcome}\r\n" for item in found if item.outcome in SKIPPED)
    return "".join(lines).encode()
