"""Trying a policy on a tenant's real evidence, in a process of its own that ends with it.

A tenant's whole evidence is resolved at once: that takes memory and a processor for as long as it takes, some 60
seconds and 2 GB for a million contacts. So one preview is made at a time, and the process that answers readers waits.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID

import asyncpg

from projections.engine.generations import active_generation
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from projections.identity.resolutions import live_space
from projections.identity.snapshot import Remembered, everything_of
from services.query.core.policy_models import Preview
from services.query.core.previews import Comparison, preview
from services.query.ports import ReadModelsAway

_WITHIN: Final = 300.0
_ALONE: Final = """
SELECT count(*) FROM contacts c
WHERE c.tenant = $1 AND NOT EXISTS (SELECT FROM members m WHERE m.tenant = $2 AND m.contact_id = c.contact_id)
"""


class Busy(Exception):
    """Another preview is being made; ask again in a while."""


class TooMuch(Exception):
    """The evidence is more than can be resolved here in time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the other process needs to know."""

    url: str
    tenant: str
    wishes: Mapping[str, Any]
    region: str


class Previewer:
    """Makes previews, one at a time. Raises Busy, TooMuch and ReadModelsAway; InvalidPolicy is for before."""

    def __init__(self, url: str, region: str) -> None:
        self._url = url
        self._region = region
        self._free = asyncio.Semaphore(1)

    async def preview(self, tenant: str, wishes: Mapping[str, Any]) -> Preview:
        """What the policy would make of the tenant's customers."""
        if self._free.locked():
            raise Busy(Busy.__doc__)
        async with self._free:
            return await self._elsewhere(Trial(self._url, tenant, wishes, self._region))

    async def _elsewhere(self, trial: Trial) -> Preview:
        executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            async with asyncio.timeout(_WITHIN):
                text = await asyncio.get_running_loop().run_in_executor(executor, _try_out, trial)
        except TimeoutError:
            raise TooMuch(TooMuch.__doc__) from None
        except BrokenProcessPool:  # as the kernel does it when memory runs out
            raise TooMuch(TooMuch.__doc__) from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ReadModelsAway(ReadModelsAway.__doc__) from error
        finally:
            _end(executor)
        return Preview.model_validate_json(text)


def _end(executor: ProcessPoolExecutor) -> None:
    for process in list((executor._processes or {}).values()):  # noqa: SLF001 - there is no other way to end one early
        process.terminate()
    executor.shutdown(wait=False, cancel_futures=True)


def _try_out(trial: Trial) -> bytes:
    return asyncio.run(_read_and_compare(trial)).model_dump_json().encode()


async def _read_and_compare(trial: Trial) -> Preview:
    connection = await asyncpg.connect(trial.url, timeout=10, server_settings={"application_name": "onefold-preview"})
    try:
        await connection.execute(f"SET search_path TO {await active_generation(connection)}")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            live = await live_space(connection, trial.tenant)
            remembered = await everything_of(connection, live.name)
            alone = await connection.fetchval(_ALONE, trial.tenant, live.name)
    finally:
        await connection.close()
    policy = Policy.from_json(dict(trial.wishes), live.region or trial.region)
    return _compare(remembered, policy, alone)


def _compare(remembered: Remembered, policy: Policy, alone: int) -> Preview:
    now: dict[UUID, list[str]] = {}
    for contact in sorted(remembered.customers):
        now.setdefault(remembered.customers[contact], []).append(contact)
    customers = resolve(remembered.evidence, policy).customers
    then = {remembered.ids[one.founder]: one.contacts for one in customers}
    return preview(Comparison({customer: tuple(contacts) for customer, contacts in now.items()}, then, alone))
