"""Erases contacts: from the read models by events, from the log by destroying keys, and from what jobs keep.

The last step is one transaction: keys, copies and the receipt. Each step before it can be done again: what the receipt
counts is saved before anything is sent or deleted, and the events have the ids and the time of the first attempt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.erasure_orders import store
from projections.erasure_orders.queries import naming_contacts
from schemas.codec import from_dict
from schemas.events import Event
from services.control.erasures import contacts_in, signature_of
from services.control.job_leases import WorkDone
from services.control.jobs import ERASURE, Job
from services.vault.records import LogSealing
from services.worker.agent_spec import Connect
from services.worker.jobs.erased_names import ErasedContacts, NamesInOthers
from services.worker.jobs.kind import JobStep
from services.worker.jobs.publishing import EventPublisher

_LOOK_EVERY: Final = 0.5  # seconds between looks whether the events are folded
_WAIT_FOR_OTHERS: Final = 60_000  # ms since the request, for generations that are not active: they may not run
_WAIT_FOR_KAFKA: Final = 600_000  # ms since the request, for changes that name a contact: Kafka may refuse one for good
REMAINS: Final = ("backups", "downloaded_files", "exported_log_files", "server_files", "webhook_receivers")
UNSEALED: Final = "unsealed_log_records"
UNSENT: Final = "unsent_changes"
EVENTS_OF_OTHERS: Final = "events_of_others"
_NAMING: Final = "naming"  # of what is known: the other contacts that may name these
_REPLACED: Final = "replaced"  # their events that do
_DROPPED: Final = "dropped"  # whether waiting changes were deleted


class ErasureKind:
    """Runs erasures; see JobKind. It makes no file."""

    name = ERASURE

    def __init__(
        self, master: Callable[[], str], connect: Connect, publisher: EventPublisher, sealing: LogSealing, id_of: IdOf
    ) -> None:
        """``master`` gives the master key."""
        self._master = master
        self._connect = connect
        self._publisher = publisher
        self._sealing = sealing
        self._id_of = id_of

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:  # noqa: ARG002 - see JobKind
        """No file."""
        return None

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """Steps for what is found out, before anything is sent or deleted, and one for all else."""
        erasure_id = UUID(job.parameters["erasure"])
        async with self._connect() as connection:
            order = await store.find_order(connection, erasure_id)
            if order is None or order.sealed_contacts is None:
                yield JobStep(WorkDone(job.total or 0, job.total))
                return
            keys = contacts_in(self._master(), order.sealed_contacts)
            run = _Run(job.tenant, erasure_id, order.requested_at, {self._id_of(job.tenant, key): key for key in keys})
            run.known = job.checkpoint or await self._found_before(connection, run)
            yield run.step()
            if not run.known[_DROPPED]:
                await store.drop_waiting_changes(connection, run.tenant, keys)
                run.known[_DROPPED] = True  # later ones say that the contacts are erased, and stay
                yield run.step()
            async with aclosing(self._erased(connection, run)) as steps:
                async for step in steps:
                    yield step

    async def _found_before(self, connection: Connection, run: "_Run") -> dict[str, Any]:
        """What is only known before the events are there."""
        tenant, contact_ids = run.tenant, run.contacts.keys()
        return {
            "events": await store.number_of_events(connection, tenant, contact_ids),
            "waiting_changes": await store.waiting_changes(connection, tenant, run.contacts.values()),
            _NAMING: [str(one) for one in await naming_contacts(connection, tenant, contact_ids)],
            _REPLACED: {},
            _DROPPED: False,
        }

    async def _erased(self, connection: Connection, run: "_Run") -> AsyncGenerator[JobStep]:
        """Send the events, and do the last step once they are folded."""
        others = NamesInOthers(run.erased(), run.known[_REPLACED])
        events = events_of(run.tenant, run.erasure_id, run.at, run.contacts)
        found = await others.look(connection)
        while True:
            run.known[_REPLACED] = others.replaced
            yield run.step()
            await self._publisher.publish([*events, *others.in_place_of(found)])
            await _wait_for(partial(_is_folded, connection, run, others))
            events, found = [], await others.look(connection)  # what came meanwhile
            if not found or run.is_over(_WAIT_FOR_KAFKA):
                break
        await self._publisher.publish(others.in_place_of(found))
        await self._finish(connection, run, others.events, unnamed=not found and await others.are_gone(connection))
        yield run.step(len(run.contacts))

    async def _finish(self, connection: Connection, run: "_Run", of_others: int, *, unnamed: bool) -> None:
        """The last step, unless another attempt was faster."""
        async with connection.transaction():
            contact_ids, keys = run.contacts.keys(), run.contacts.values()
            behind = await store.generations_behind(connection, run.tenant, contact_ids, run.at)
            unsent = await store.unsent_changes(connection, run.tenant, keys)
            present = await store.find_order(connection, run.erasure_id)
            if present is None or present.sealed_contacts is None:
                return
            destroyed = await self._sealing.destroy_keys(connection, run.tenant, keys)
            dropped = await store.drop_copies(connection, run.tenant, contact_ids)
            counts = {name: run.known[name] for name in ("events", "waiting_changes")}
            removed = {**counts, "log_keys": destroyed, **dropped, EVENTS_OF_OTHERS: of_others}
            left = {UNSEALED: not destroyed, UNSENT: unsent, EVENTS_OF_OTHERS: not unnamed}
            remains = [*REMAINS, *(place for place, is_left in left.items() if is_left)]
            receipt = receipt_of(
                run.erasure_id,
                run.tenant,
                (run.at, _now()),
                len(run.contacts),
                removed,
                behind=behind,
                remains=remains,
            )
            signature = signature_of(self._master(), run.tenant, receipt)
            await store.finish(connection, run.erasure_id, receipt, signature)


@dataclass(slots=True)
class _Run:
    """One attempt at an erasure: its contacts by id, with their keys; ``known`` is what the next one goes on from."""

    tenant: str
    erasure_id: UUID
    at: int
    contacts: Mapping[UUID, str]
    known: dict[str, Any] = field(default_factory=dict)

    def erased(self) -> ErasedContacts:
        """Whom others may name."""
        naming = [UUID(one) for one in self.known[_NAMING]]
        return ErasedContacts(self.tenant, str(self.erasure_id), self.at, self.contacts, naming)

    def step(self, done: int = 0) -> JobStep:
        """How far it is."""
        return JobStep(WorkDone(done, len(self.contacts), self.known))

    def is_over(self, wait: int) -> bool:
        """Whether so many ms have passed since the request."""
        return _now() >= self.at + wait


async def _wait_for(holds: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await holds():
            return
        await asyncio.sleep(_LOOK_EVERY)


async def _is_folded(connection: Connection, run: _Run, others: NamesInOthers) -> bool:
    """Whether all that was sent is folded, and what it changes is sent, as far as there is time to wait for it."""
    if not run.is_over(_WAIT_FOR_KAFKA) and not await others.are_gone(connection):
        return False
    async with connection.transaction():
        behind = await store.generations_behind(connection, run.tenant, run.contacts.keys(), run.at)
        if "active" in behind.values() or (behind and not run.is_over(_WAIT_FOR_OTHERS)):
            return False
        unsent = await store.unsent_changes(connection, run.tenant, run.contacts.values())
        return not unsent or run.is_over(_WAIT_FOR_KAFKA)


def events_of(tenant: str, erasure_id: UUID, at: int, contacts: Mapping[UUID, str]) -> list[Event]:
    """The events that erase contacts, given by id and key, at a time in ms."""
    return [_event(tenant, erasure_id, at, *one) for one in contacts.items()]


def _event(tenant: str, erasure_id: UUID, at: int, contact_id: UUID, key: str) -> Event:
    channel, account, uid = key.split(":", 2)
    return from_dict(
        {
            "event_id": f"erasure:{erasure_id}:{contact_id}",
            "type": "contact.erased",
            "tenant": tenant,
            "contact": {"channel": channel, "account": account, "uid": uid},
            "occurred_at": at,
            "received_at": at,
            "source": "erasure",
            "data": {"request_id": str(erasure_id)},
        }
    )


def receipt_of(  # noqa: PLR0913 - a receipt's facts
    erasure_id: UUID,
    tenant: str,
    times: tuple[int, int],
    contacts: int,
    removed: Mapping[str, int],
    *,
    behind: Collection[str],
    remains: Collection[str],
) -> dict[str, Any]:
    """What was erased, in numbers; ``times`` are those of the request and of the end, in ms. Nothing is personal.

    ``behind`` are generations that had not folded the erasure: they will, as soon as their workers run.
    ``remains`` are places that were not erased.
    """
    return {
        "id": str(erasure_id),
        "tenant": tenant,
        "requested_at": times[0],
        "finished_at": times[1],
        "contacts": contacts,
        "removed": dict(removed),
        "generations_behind": sorted(behind),
        "remains": sorted(remains),
    }


def _now() -> int:
    return time.time_ns() // 1_000_000
