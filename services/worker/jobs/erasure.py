"""Erases contacts: from the read models by events, from the log by destroying keys, and from what jobs keep.

The last step is one transaction: keys, copies and the receipt. Each step before it can be done again: the events have
the ids and the time of the first attempt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.erasure_orders import store
from projections.erasure_orders.queries import naming_contacts
from projections.erasure_orders.store import ErasureOrder
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
_NAMING: Final = "naming"


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

    def file_of(self, job: Job) -> tuple[str, str] | None:  # noqa: ARG002 - see JobKind
        """No file."""
        return None

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step for the events, one each time that it waits for them to be folded, and one for all else."""
        erasure_id = UUID(job.parameters["erasure"])
        async with self._connect() as connection:
            order = await store.find_order(connection, erasure_id)
            if order is None or order.sealed_contacts is None:
                yield JobStep(WorkDone(job.total or 0, job.total))
                return
            keys = contacts_in(self._master(), order.sealed_contacts)
            contacts = {self._id_of(job.tenant, key): key for key in keys}
            known: dict[str, Any] = job.checkpoint or await self._known(connection, job.tenant, contacts)
            yield JobStep(WorkDone(0, len(keys), known))
            at, naming = order.requested_at, [UUID(one) for one in known.get(_NAMING, ())]
            others = NamesInOthers(
                self._publisher,
                ErasedContacts(job.tenant, str(erasure_id), at, contacts, naming),
                known.get(EVENTS_OF_OTHERS, 0),
            )
            await self._publisher.publish(events_of(job.tenant, erasure_id, at, contacts))
            while not await self._is_done(connection, job, order, contacts, known, others):
                known[EVENTS_OF_OTHERS] = others.events
                yield JobStep(WorkDone(0, len(keys), known))
                await asyncio.sleep(_LOOK_EVERY)
            yield JobStep(WorkDone(len(keys), len(keys), known))

    async def _known(self, connection: Connection, tenant: str, contacts: Mapping[UUID, str]) -> dict[str, Any]:
        """What is only known, or only to be removed, before the events are there: their changes are to be sent."""
        return {
            "events": await store.number_of_events(connection, tenant, contacts.keys()),
            "waiting_changes": await store.drop_waiting_changes(connection, tenant, contacts.values()),
            _NAMING: [str(one) for one in await naming_contacts(connection, tenant, contacts.keys())],
        }

    async def _is_done(  # noqa: PLR0913, PLR0917 - what the last step is about
        self,
        connection: Connection,
        job: Job,
        order: ErasureOrder,
        contacts: Mapping[UUID, str],
        known: Mapping[str, Any],
        others: NamesInOthers,
    ) -> bool:
        """Do the last step if the events are folded."""
        erasure_id = UUID(job.parameters["erasure"])
        unnamed = await others.leave_out(connection)
        if not unnamed and _now() < order.requested_at + _WAIT_FOR_KAFKA:
            return False
        async with connection.transaction():
            at = order.requested_at
            behind = await store.generations_behind(connection, job.tenant, contacts.keys(), at)
            if "active" in behind.values() or (behind and _now() < at + _WAIT_FOR_OTHERS):
                return False
            unsent = await store.unsent_changes(connection, job.tenant, contacts.values())
            if unsent and _now() < at + _WAIT_FOR_KAFKA:
                return False
            present = await store.find_order(connection, erasure_id)
            if present is None or present.sealed_contacts is None:  # another attempt was faster
                return True
            keys = await self._sealing.destroy_keys(connection, job.tenant, contacts.values())
            dropped = await store.drop_copies(connection, job.tenant, contacts.keys())
            counts = {name: known.get(name, 0) for name in ("events", "waiting_changes")}
            removed = {**counts, "log_keys": keys, **dropped, EVENTS_OF_OTHERS: others.events}
            left = {UNSEALED: not keys, UNSENT: unsent, EVENTS_OF_OTHERS: not unnamed}
            remains = [*REMAINS, *(place for place, is_left in left.items() if is_left)]
            times = (at, _now())
            receipt = receipt_of(erasure_id, job.tenant, times, len(contacts), removed, behind=behind, remains=remains)
            await store.finish(connection, erasure_id, receipt, signature_of(self._master(), job.tenant, receipt))
            return True


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
