"""Jobs as rows: taken in turns, held by a lease, saved step by step, cancelled, and pruned."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control import job_leases
from services.control.errors import FileGone, JobFinished, JobLost, TooManyJobs, UnknownJob, UnknownTenant
from services.control.job_files import PART, FilePart, read_bytes
from services.control.job_leases import MadeFile, WorkDone
from services.control.jobs import MOST_UNFINISHED, Job, add_job, cancel_job, find_job, list_jobs
from services.runtime import metrics
from services.worker.background.job_runner import MOST_INTERRUPTIONS, JobRunner
from services.worker.jobs.kind import JobRefused, JobStep

HOUR = 3600.0


async def add(engine: AsyncEngine, tenant: str = "acme", **parameters: Any) -> Job:
    return await add_job(engine, tenant, "count", parameters, total=None, requested_by="a test")


async def take(engine: AsyncEngine, lease: float = HOUR, per_tenant: int = 2) -> Job:
    taken = await job_leases.take_job(engine, ["count"], lease, per_tenant)
    assert taken is not None
    return taken


async def content(engine: AsyncEngine, job: Job, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in read_bytes(engine, job.job_id, start, end)])


async def test_a_job_is_its_tenants_alone(engine: AsyncEngine) -> None:
    job = await add(engine, most=3)
    assert (job.state, job.parameters, job.file) == ("waiting", {"most": 3}, None)
    assert await find_job(engine, job.job_id, "acme") == job
    for stranger in (find_job(engine, job.job_id, "other"), cancel_job(engine, job.job_id, "other")):
        with pytest.raises(UnknownJob):
            await stranger
    assert await list_jobs(engine, "other") == []
    with pytest.raises(UnknownTenant):
        await add(engine, "nobody")


async def test_jobs_are_listed_the_newest_first_page_by_page(engine: AsyncEngine) -> None:
    added = [await add(engine) for _ in range(3)]
    newest_first = [job.job_id for job in reversed(added)]
    first = [job.job_id for job in await list_jobs(engine, "acme", limit=2)]
    then = [job.job_id for job in await list_jobs(engine, "acme", limit=2, after=first[-1])]
    assert first + then == newest_first


async def test_one_tenants_many_jobs_do_not_hold_up_anothers(engine: AsyncEngine) -> None:
    many = [await add(engine) for _ in range(4)]
    one = await add(engine, "other")
    taken = [await take(engine) for _ in range(3)]
    assert [job.job_id for job in taken] == [many[0].job_id, one.job_id, many[1].job_id]
    assert await job_leases.take_job(engine, ["count"], HOUR, 2) is None  # two of this tenant's run already
    await job_leases.finish_job(engine, taken[0], WorkDone(1, 1), [], None)
    assert (await take(engine)).job_id == many[2].job_id


async def test_several_workers_never_take_one_job_or_too_many_of_a_tenant(engine: AsyncEngine) -> None:
    for _ in range(3):
        await add(engine)
        await add(engine, "other")
    found = await asyncio.gather(*(job_leases.take_job(engine, ["count"], HOUR, 2) for _ in range(8)))
    taken = [job for job in found if job is not None]
    assert len({job.job_id for job in taken}) == len(taken) == 4
    assert sorted(job.tenant for job in taken) == ["acme", "acme", "other", "other"]


async def test_a_job_whose_worker_is_gone_is_taken_again_and_the_former_attempt_is_refused(engine: AsyncEngine) -> None:
    await add(engine)
    gone = await take(engine, lease=0)
    await job_leases.save_step(engine, gone, 0, WorkDone(5, 9, {"at": 5}), [FilePart(0, b"12345")])
    again = await take(engine)
    assert (again.job_id, again.attempt, again.interruptions) == (gone.job_id, 2, 1)
    assert (again.done, again.total, again.checkpoint) == (5, 9, {"at": 5})
    assert await content(engine, again, 0, 5) == b"12345"
    for late in (
        job_leases.renew_lease(engine, gone, HOUR),
        job_leases.save_step(engine, gone, HOUR, WorkDone(6, 9)),
        job_leases.finish_job(engine, gone, WorkDone(9, 9), [], None),
        job_leases.fail_job(engine, gone, {"type": "late"}),
        job_leases.give_back_job(engine, gone, interrupted=True),
    ):
        with pytest.raises(JobLost):
            await late
    assert await find_job(engine, again.job_id) == again


async def test_a_job_without_a_checkpoint_begins_anew_and_so_does_its_file(engine: AsyncEngine) -> None:
    await add(engine)
    gone = await take(engine, lease=0)
    await job_leases.save_step(engine, gone, 0, WorkDone(5, 9), [FilePart(0, b"12345")])
    again = await take(engine)
    assert (again.done, again.checkpoint) == (0, None)
    with pytest.raises(FileGone):
        await content(engine, again, 0, 1)


async def test_cancelling_stops_a_job_and_deletes_what_it_made(engine: AsyncEngine) -> None:
    await add(engine)
    running = await take(engine)
    await job_leases.save_step(engine, running, HOUR, WorkDone(1, 2), [FilePart(0, b"1")])
    assert (await cancel_job(engine, running.job_id, "acme")).state == "cancelled"
    assert (await cancel_job(engine, running.job_id, "acme")).state == "cancelled"  # as often as one likes
    with pytest.raises(JobLost):
        await job_leases.save_step(engine, running, HOUR, WorkDone(2, 2), [FilePart(1, b"2")])
    with pytest.raises(FileGone):
        await content(engine, running, 0, 1)
    assert await job_leases.take_job(engine, ["count"], HOUR, 2) is None


async def test_what_has_ended_cannot_be_cancelled(engine: AsyncEngine) -> None:
    await add(engine)
    job = await take(engine)
    await job_leases.finish_job(engine, job, WorkDone(1, 1), [], None)
    with pytest.raises(JobFinished):
        await cancel_job(engine, job.job_id)


async def test_a_tenant_has_a_bounded_number_of_unfinished_jobs(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    await db.execute(
        "INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by) "
        "SELECT gen_random_uuid(), 'acme', 'count', '{}', 'a test' FROM generate_series(1, $1)",
        MOST_UNFINISHED,
    )
    with pytest.raises(TooManyJobs):
        await add(engine)
    await add(engine, "other")


async def test_files_and_rows_are_pruned_once_they_have_expired(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    await add(engine)
    job = await take(engine)
    made = MadeFile("a.csv", "text/csv", 3, b"hash", days=7)
    await job_leases.finish_job(engine, job, WorkDone(1, 1), [FilePart(0, b"abc")], made)
    await job_leases.prune_jobs(engine)
    assert await content(engine, job, 0, 3) == b"abc"
    await db.execute("UPDATE onefold.jobs SET file_expires_at = now()")
    await job_leases.prune_jobs(engine)
    with pytest.raises(FileGone):
        await content(engine, job, 0, 3)
    assert (await find_job(engine, job.job_id)).file is not None  # there was one
    await db.execute("UPDATE onefold.jobs SET finished_at = now() - interval '91 days'")
    await job_leases.prune_jobs(engine)
    assert await list_jobs(engine) == []


class Counting:
    """Counts to ``most`` and writes each number; at ``stop_at`` it does what ``stop`` says."""

    name = "count"

    def __init__(self, *, resumes: bool, stop_at: int = -1, stop: Exception | None = None) -> None:
        self.resumes, self.stop_at, self.stop = resumes, stop_at, stop
        self.counted: list[int] = []
        self.stopped = asyncio.Event()

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:
        del result
        return f"{job.kind}.txt", "text/plain"

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        most = job.parameters["most"]
        for number in range(job.checkpoint or 0, most):
            if number == self.stop_at:
                self.stopped.set()
                if self.stop is None:
                    await asyncio.Event().wait()
                else:
                    raise self.stop
            self.counted.append(number)
            yield JobStep(
                WorkDone(number + 1, most, number + 1 if self.resumes else None), b"%d" % (number % 10) * PART
            )


async def test_jobs_that_wait_and_run_are_counted_by_kind(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    assert await job_leases.queues(engine) == {}
    await add(engine)
    await add(engine)
    await db.execute("UPDATE onefold.jobs SET requested_at = now() - interval '1 hour'")
    await take(engine)
    queue = (await job_leases.queues(engine))["count"]
    assert (queue.waiting, queue.running, queue.oldest >= HOUR) == (1, 1, True)
    await db.execute("UPDATE onefold.jobs SET leased_until = now() + interval '1 hour'")  # to be tried again then
    assert (await job_leases.queues(engine))["count"] == (1, 1, 0)
    await db.execute("UPDATE onefold.jobs SET leased_until = now()")  # the worker is gone
    assert (await job_leases.queues(engine))["count"][:2] == (2, 0)
    await runner_of(Counting(resumes=False)).count_jobs(engine)
    assert (gauge(metrics.JOBS_WAITING), gauge(metrics.JOBS_RUNNING)) == (2, 0)
    await db.execute("DELETE FROM onefold.jobs")
    await runner_of(Counting(resumes=False)).count_jobs(engine)
    assert (gauge(metrics.JOBS_WAITING), gauge(metrics.JOBS_OLDEST)) == (0, 0)


def gauge(metric: Gauge | Counter) -> float:
    """The value of the kind that these tests run."""
    (family,) = metric.collect()
    return next(one.value for one in family.samples if one.labels == {"kind": "count"})


def runner_of(kind: Counting, lease: float = HOUR) -> JobRunner:
    def connect() -> Any:
        raise NotImplementedError

    return JobRunner("", connect, [kind], file_days=7, lease=lease)


async def test_a_job_is_run_to_its_end_and_leaves_a_file(engine: AsyncEngine) -> None:
    await add(engine, most=3)
    job = await take(engine)
    metrics.JOB_ROWS.labels("count")
    rows = gauge(metrics.JOB_ROWS)
    await runner_of(Counting(resumes=False)).run_job(engine, job)
    assert gauge(metrics.JOB_ROWS) - rows == 3
    done = await find_job(engine, job.job_id)
    assert (done.state, done.done, done.total, done.problem) == ("done", 3, 3, None)
    assert done.file is not None
    assert (done.file.name, done.file.type, done.file.size) == ("count.txt", "text/plain", 3 * PART)
    assert await content(engine, job, PART - 1, 2 * PART + 1) == b"0" + b"1" * PART + b"2"


@pytest.mark.parametrize("resumes", [True, False])
async def test_a_job_that_was_interrupted_goes_on(engine: AsyncEngine, resumes: bool) -> None:
    await add(engine, most=4)
    kind = Counting(resumes=resumes, stop_at=2)
    first = asyncio.create_task(runner_of(kind).run_job(engine, await take(engine)))
    await kind.stopped.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    kind.stop_at = -1
    job = await take(engine)  # at once: the worker that stopped has given it back
    assert (job.attempt, job.interruptions) == (2, 0)
    await runner_of(kind).run_job(engine, job)
    done = await find_job(engine, job.job_id)
    assert (done.state, done.done) == ("done", 4)
    assert kind.counted == ([0, 1, 2, 3] if resumes else [0, 1, 0, 1, 2, 3])
    assert await content(engine, job, 0, 4 * PART) == b"".join(b"%d" % number * PART for number in range(4))


async def test_a_cancelled_job_ends_even_within_a_step(engine: AsyncEngine) -> None:
    await add(engine, most=4)
    kind = Counting(resumes=True, stop_at=2)
    job = await take(engine)
    running = asyncio.create_task(runner_of(kind, lease=0.1).run_job(engine, job))
    await kind.stopped.wait()
    await cancel_job(engine, job.job_id)
    await asyncio.wait_for(running, 240)
    assert (await find_job(engine, job.job_id)).state == "cancelled"


async def test_a_job_that_fails_says_why(engine: AsyncEngine) -> None:
    problem = {"type": "/problems/too-much", "title": "Too much", "status": 422, "detail": "Ask for less."}
    stops: list[tuple[Exception, str]] = [
        (JobRefused(problem), "/problems/too-much"),
        (ValueError("secret"), "/problems/internal"),
    ]
    for stop, said in stops:
        await add(engine, most=4)
        job = await take(engine)
        await runner_of(Counting(resumes=True, stop_at=1, stop=stop)).run_job(engine, job)
        failed = await find_job(engine, job.job_id)
        assert failed.problem is not None
        assert (failed.state, failed.problem["type"], failed.file) == ("failed", said, None)
        assert "secret" not in str(failed.problem)
        with pytest.raises(FileGone):
            await content(engine, job, 0, 1)


async def test_a_job_is_not_lost_when_postgresql_is_away_but_given_up_after_many_times(
    engine: AsyncEngine, db: asyncpg.Connection
) -> None:
    await add(engine, most=4)
    job = await take(engine)
    await runner_of(Counting(resumes=True, stop_at=1, stop=ConnectionResetError())).run_job(engine, job)
    waiting = await find_job(engine, job.job_id)
    assert (waiting.state, waiting.interruptions, waiting.done) == ("waiting", 1, 1)
    assert await job_leases.take_job(engine, ["count"], HOUR, 2) is None  # not at once
    await db.execute("UPDATE onefold.jobs SET leased_until = now()")  # its wait is over
    often = replace(await take(engine), interruptions=MOST_INTERRUPTIONS + 1)
    await runner_of(Counting(resumes=True)).run_job(engine, often)
    assert (await find_job(engine, job.job_id)).problem is not None


async def test_what_is_unknown_is_said_to_be(engine: AsyncEngine) -> None:
    for unknown in (find_job(engine, uuid4()), cancel_job(engine, UUID(int=0)), list_jobs(engine, after=uuid4())):
        with pytest.raises(UnknownJob):
            await unknown
