"""What the worker's health page and its watchdog ask."""

import asyncio
from collections.abc import Callable
from typing import Final

from projections.identity import outbox
from services.runtime.database import DATABASE_ERRORS
from services.runtime.http import NotReady
from services.runtime.settings import Settings
from services.vault.key_check import MasterKeyCheck
from services.worker.adapters import kafka, postgres
from services.worker.agents.app import FaustPartitionReader
from services.worker.handlers.partition_runner import WorkerProgress

_ANSWER_WITHIN: Final = 5.0  # seconds


async def servers_answer(settings: Settings, pool: postgres.Pool) -> bool:
    """Whether Kafka and PostgreSQL can be reached, so that a worker without progress has no excuse."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            await kafka.accepts_connections(settings)
            await postgres.answers(pool)
    except DATABASE_ERRORS:
        return False
    return True


async def no_partition_stopped(progress: WorkerProgress, reader: FaustPartitionReader) -> None:
    """Raises NotReady, with the reasons, while partitions of this worker are stopped."""
    stopped = {place: why for place, (_, why) in progress.stopped.items() if reader.owns(*place)}
    if stopped:
        raise NotReady(f"{len(stopped)} stopped: {', '.join(sorted(set(stopped.values())))}")


async def chunks_are_committed(progress: WorkerProgress, lag: Callable[[], int], within: float) -> None:
    """Raises NotReady while records are left to fold and none was committed for more than ``within`` seconds."""
    quiet = progress.clock() - progress.committed_at
    if quiet > within and (left := lag()):
        raise NotReady(f"{left} records are left, and none was committed for {quiet:.0f} s")


async def log_keys_open(pool: postgres.Pool, master_keys: MasterKeyCheck) -> None:
    """Raises NotReady if what is sealed in the log can't be read by the master keys of this process."""
    async with pool.acquire() as connection:
        await master_keys.check(connection)


async def changes_are_sent(pool: postgres.Pool, within: float) -> None:
    """Raises NotReady while a customer change has been waiting to get into Kafka for more than ``within`` seconds."""
    async with pool.acquire() as connection:
        age = await outbox.oldest_age(connection)
    if age > within:
        raise NotReady(f"a customer change has been waiting for {age:.0f} s")
