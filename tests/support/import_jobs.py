"""Runs the jobs of imports as a worker does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from projections.engine.connection import Connection
from services.control import job_leases
from services.control.uploads import IMPORT
from services.runtime.database import BY_KEY, open_engine
from services.worker.background.job_runner import JobRunner
from services.worker.jobs.imports import Import


async def run_next_import(url: str) -> bool:
    """Run the import whose turn it is, in the first generation; whether there was one. Nothing is appended."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def send(*_: Any) -> None:
        """Nothing listens."""

    kind = Import(url, connect, send, lambda _, key: UUID(int=len(key)), "TW")
    async with open_engine(url) as engine:
        job = await job_leases.take_job(engine, [IMPORT], 3600, 9)
        if job is not None:
            await JobRunner(url, connect, [kind], file_days=7).run_job(engine, job)
    return job is not None
