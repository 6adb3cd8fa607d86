"""Tries a policy on a tenant's real evidence, in a process of its own.

A preview resolves a tenant's whole evidence at once: about 60 seconds of processor time and 2 GB for a million
contacts. So only one is made at a time, and the process that serves readers stays free.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID

import asyncpg

from projections.customers.queries import count_lone_contacts
from projections.engine.generation_records import NoGeneration
from projections.engine.ids import personal_id
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from projections.identity.resolutions import active_resolution
from projections.identity.snapshot import IdentitySnapshot, read_snapshot
from services.query.adapters.single_connection import generation_connection
from services.query.core.policy_models import Preview
from services.query.core.previews import Comparison, preview
from services.query.ports import EvidenceTooLarge, PreviewBusy, ReadModelsUnavailable

_WITHIN: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Task:
    """What the other process needs to know."""

    url: str
    tenant: str
    wishes: Mapping[str, Any]
    region: str
    id_key: bytes


class PreviewProcess:
    """Makes previews, one at a time. See ports.PolicyPreviewer."""

    def __init__(self, url: str, region: str, id_key: Callable[[str], bytes]) -> None:
        """``id_key`` gives a tenant's key of personal ids."""
        self._url = url
        self._region = region
        self._id_key = id_key
        self._free = asyncio.Semaphore(1)

    async def preview(self, tenant: str, wishes: Mapping[str, Any]) -> Preview:
        """See ports.PolicyPreviewer."""
        if self._free.locked():
            raise PreviewBusy(PreviewBusy.__doc__)
        async with self._free:
            task = _Task(self._url, tenant, wishes, self._region, self._id_key(tenant))
            return await self._in_process(task)

    async def _in_process(self, task: _Task) -> Preview:
        executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            async with asyncio.timeout(_WITHIN):
                text = await asyncio.get_running_loop().run_in_executor(executor, _make, task)
        except TimeoutError:
            raise EvidenceTooLarge(EvidenceTooLarge.__doc__) from None
        except BrokenProcessPool:  # the kernel killed it, as it does when memory runs out
            raise EvidenceTooLarge(EvidenceTooLarge.__doc__) from None
        except (OSError, NoGeneration, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ReadModelsUnavailable(ReadModelsUnavailable.__doc__) from error
        finally:
            _end(executor)
        return Preview.model_validate_json(text)


def _end(executor: ProcessPoolExecutor) -> None:
    for process in list((executor._processes or {}).values()):  # noqa: SLF001 - there is no other way to end one early
        process.terminate()
    executor.shutdown(wait=False, cancel_futures=True)


def _make(task: _Task) -> bytes:
    return asyncio.run(_read_and_compare(task)).model_dump_json().encode()


async def _read_and_compare(task: _Task) -> Preview:
    async with (
        generation_connection(task.url, name="preview") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        active = await active_resolution(connection, task.tenant)
        stored = await read_snapshot(connection, active.key, lambda _, contact: personal_id(task.id_key, contact))
        alone = await count_lone_contacts(connection, active.key)
    policy = Policy.from_json(dict(task.wishes), active.region or task.region)
    return _compare(stored, policy, alone)


def _compare(stored: IdentitySnapshot, policy: Policy, alone: int) -> Preview:
    """Only contacts that have an event of their own are compared; others only name the rest."""
    now: dict[UUID, list[str]] = {}
    for contact in sorted(stored.customers):
        now.setdefault(stored.customers[contact], []).append(contact)
    then: dict[UUID, tuple[str, ...]] = {}
    for one in resolve(stored.evidence, policy).customers:
        if contacts := tuple(contact for contact in one.contacts if contact in stored.customers):
            then[stored.ids[one.founder]] = contacts
    for contact in stored.customers.keys() - stored.evidence.contacts:  # all that named it was taken back
        then[stored.ids[contact]] = (contact,)
    return preview(Comparison({customer: tuple(contacts) for customer, contacts in now.items()}, then, alone))
