"""``onefold jobs``, as a person runs it."""

import asyncio
import re
from pathlib import Path

from services.control import job_leases
from services.control.job_files import PART, FileCutter
from services.control.job_leases import MadeFile, WorkDone
from services.control.jobs import Job, add_job
from services.control.tenants import add_tenant
from services.runtime.database import open_engine
from tests.integration.control.conftest import Onefold

CONTENT = b"0123456789" * (PART // 5)


def test_a_job_is_listed_waited_for_downloaded_and_cancelled(onefold: Onefold, database: str, tmp_path: Path) -> None:
    assert "There is no job." in onefold("jobs", "list")
    done, waiting = asyncio.run(_two_jobs(database))
    listed = onefold("jobs", "list", "--tenant", "acme")
    assert f"{done.job_id}" in listed
    assert "2/2" in listed
    shown = onefold("jobs", "show", f"{done.job_id}", "--wait")
    assert "a.csv" in shown
    assert re.search(r"skipped no contact +1,234\n", shown)
    partial = tmp_path / f"b.csv.{done.job_id}.part"  # of a download that was cut off
    partial.write_bytes(CONTENT[: PART + 7])
    onefold("jobs", "download", f"{done.job_id}", "--to", "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == CONTENT
    assert not partial.exists()
    assert "there already" in onefold("jobs", "download", f"{done.job_id}", "--to", "b.csv", status=1)
    (tmp_path / f"c.csv.{done.job_id}.part").write_bytes(b"x" * len(CONTENT))  # of something else
    assert "not those" in onefold("jobs", "download", f"{done.job_id}", "--to", "c.csv", status=1)
    assert "has no file" in onefold("jobs", "download", f"{waiting.job_id}", status=1)
    onefold("jobs", "cancel", f"{waiting.job_id}")
    assert "cancelled" in onefold("jobs", "show", f"{waiting.job_id}", "--wait", status=1)
    assert "done already" in onefold("jobs", "cancel", f"{done.job_id}", status=1)


async def _two_jobs(database: str) -> tuple[Job, Job]:
    async with open_engine(database) as engine:
        await add_tenant(engine, "acme")
        await add_job(engine, "acme", "count", {}, total=2, requested_by="a test")
        done = await job_leases.take_job(engine, ["count"], 3600, 1)
        assert done is not None
        cutter = FileCutter()
        parts = cutter.write(CONTENT)
        made = MadeFile("a.csv", "text/csv", cutter.size, cutter.sha256, 7)
        await job_leases.finish_job(
            engine,
            done,
            WorkDone(2, 2, result={"changed": 2, "skipped": {"no_contact": 1234}}),
            parts + cutter.rest(),
            made,
        )
        return done, await add_job(engine, "acme", "count", {}, total=None, requested_by="a test")
