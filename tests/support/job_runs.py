"""Runs the jobs of a brand one after the other, as a worker does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from projections.engine.connection import Connection
from schemas.codec import decode
from schemas.topics import Topic
from services.control import job_leases
from services.runtime.database import BY_KEY
from services.vault.records import EncodedEvent, LogSealing, PlainLog
from services.worker.background.job_runner import JobRunner
from services.worker.jobs.bulk_action import BulkActionKind
from services.worker.jobs.bulk_undo import BulkUndo
from services.worker.jobs.erasure import ErasureKind
from services.worker.jobs.export import Export
from services.worker.jobs.imports import Import
from services.worker.jobs.kind import JobKind
from services.worker.jobs.publishing import EventPublisher
from tests.support.read_api import MASTER, Brand, id_of


def _id_of(tenant: str, contact_key: str) -> UUID:
    return id_of(contact_key, tenant)


class JobRuns:
    """Runs each job that waits; readers see its events at once."""

    def __init__(self, brand: Brand, sealing: LogSealing | None = None) -> None:
        self._brand = brand
        publisher = EventPublisher(self._send)
        imports = Import(brand.url, self._connect, self._send, _id_of, "TW")
        changes: list[JobKind] = [BulkActionKind(self._connect, publisher), BulkUndo(self._connect, publisher)]
        changes.append(ErasureKind(lambda: MASTER, self._connect, publisher, sealing or PlainLog(), _id_of))
        self._kinds: list[JobKind] = [Export(self._connect), imports, *changes]
        self._runner = JobRunner(brand.url, self._connect, self._kinds, file_days=7)

    async def run(self, *kinds: str) -> None:
        """Run the jobs that wait, of these kinds if any are given."""
        names = kinds or [one.name for one in self._kinds]
        while (job := await job_leases.take_job(self._brand.engine, names, 3600, 9)) is not None:
            await self._runner.run_job(self._brand.engine, job)
        await self._brand.compose()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self._brand.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def _send(self, _: Topic, records: Sequence[EncodedEvent]) -> None:
        await self._brand.fold(*(decode(value) for _, value in records))
        await self._brand.connection.execute("DELETE FROM onefold.outbox")  # the relay has sent them
        await self._brand.compose()
