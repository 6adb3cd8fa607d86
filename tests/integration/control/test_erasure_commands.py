"""``onefold erasures``, as a person runs it."""

import asyncio
from uuid import UUID

import sqlalchemy as sa

from projections.migrations.tables import JOBS
from services.control.erasures import RequestedErasure, add_erasure
from services.control.tenants import add_tenant
from services.runtime.database import open_engine
from tests.integration.control.conftest import Onefold


def test_an_erasure_is_listed_shown_and_gone_on_with_once_its_job_has_failed(onefold: Onefold, database: str) -> None:
    assert "There is no erasure." in onefold("erasures", "list")
    erasure = asyncio.run(_an_erasure(database))
    assert f"{erasure.erasure_id}" in onefold("erasures", "list", "--tenant", "acme")
    shown = onefold("erasures", "show", f"{erasure.erasure_id}")
    assert f"{erasure.job_id}" in shown
    assert "oa1:U1" not in shown
    assert "goes on by itself" in onefold("erasures", "retry", f"{erasure.erasure_id}", status=1)
    asyncio.run(_fail(database, erasure.job_id))
    assert "goes on as job" in onefold("erasures", "retry", f"{erasure.erasure_id}")
    assert f"{erasure.job_id}" not in onefold("erasures", "show", f"{erasure.erasure_id}")
    assert "no such erasure" in onefold("erasures", "show", f"{erasure.job_id}", status=1)


async def _an_erasure(database: str) -> RequestedErasure:
    async with open_engine(database) as engine:
        await add_tenant(engine, "acme")
        return await add_erasure(engine, "a master key", "acme", ["line:oa1:U1"], requested_by="a test")


async def _fail(database: str, job_id: UUID) -> None:
    async with open_engine(database) as engine, engine.begin() as connection:
        failed = sa.update(JOBS).where(JOBS.c.job_id == job_id).values(state="failed", finished_at=sa.func.now())
        await connection.execute(failed)
