"""A rebuild's job runs a command to its end, says what it said, and ends it when the job ends."""

import sys
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import psutil
import pytest

from services.control.jobs import REBUILD, Job
from services.worker.jobs.kind import JobRefused
from services.worker.jobs.rebuild import Rebuild

JOB = Job(
    job_id=uuid4(),
    tenant="acme",
    kind=REBUILD,
    parameters={},
    state="running",
    done=0,
    total=None,
    requested_by="a test",
    requested_at=datetime(2026, 3, 1, tzinfo=UTC),
    started_at=None,
    finished_at=None,
    attempt=1,
    interruptions=0,
    checkpoint=None,
    problem=None,
    result=None,
    undone_by=None,
    file=None,
)
PRINTS = "import os; print(os.environ['ONEFOLD_DATA_DIR'], 'g2 is ready'); "


def running(program: str) -> Rebuild:
    return Rebuild(lambda: (sys.executable, "-c", program))


async def test_what_the_command_said_is_the_file() -> None:
    steps = [step async for step in running(PRINTS).steps(JOB)]
    assert steps[-1].content.decode().endswith("g2 is ready\n")
    assert all(not step.content and step.progress.total is None for step in steps[:-1])


async def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(JobRefused) as refused:
        _ = [step async for step in running(PRINTS + "raise SystemExit(3)").steps(JOB)]
    assert refused.value.problem["detail"].endswith("g2 is ready")


async def test_the_command_ends_with_the_job() -> None:
    before = {one.pid for one in psutil.Process().children()}
    async with aclosing(running("import time; time.sleep(600)").steps(JOB)) as steps:
        await anext(steps)
        assert {one.pid for one in psutil.Process().children()} - before
    assert {one.pid for one in psutil.Process().children()} <= before
