"""``onefold jobs``: long work such as exports, how far each is, and the files that it made."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, named_values, on_database, progress_bar, say, show, when

if TYPE_CHECKING:  # heavy
    from sqlalchemy.ext.asyncio import AsyncEngine

    from services.control.jobs import Job

jobs = typer.Typer(help="Long work, such as exports.", no_args_is_help=True)

JobArgument = Annotated[UUID, typer.Argument(metavar="JOB", help="The job's id.")]
_LOOK_EVERY: Final = 0.5  # seconds
_EXISTS: Final = "it is there already; choose another with --to, or delete it"


@jobs.command("list")
def list_jobs(*, tenant: TenantOption = None) -> None:
    """List the jobs, the newest first."""
    from services.control import jobs as service

    found = on_database(Settings(), lambda engine: service.list_jobs(engine, tenant))
    show(
        ("job", "tenant", "kind", "state", "done", "requested", "finished"),
        (
            (str(j.job_id), j.tenant, j.kind, j.state, _so_far(j), when(j.requested_at), when(j.finished_at))
            for j in found
        ),
        empty="There is no job.",
    )


@jobs.command("show")
def show_job(
    job_id: JobArgument, *, wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False
) -> None:
    """Show a job; status 1 if it failed or was cancelled."""
    from services.control import jobs as service

    async def found(engine: "AsyncEngine") -> "Job":
        with progress_bar() as bar:
            shown = bar.add_task("", total=None, visible=wait)
            while True:
                job = await service.find_job(engine, job_id)
                bar.update(shown, completed=job.done, total=job.total, description=job.state)
                if not wait or job.finished_at is not None:
                    return job
                await asyncio.sleep(_LOOK_EVERY)

    job = on_database(Settings(), found)
    facts = {
        "tenant": job.tenant,
        "kind": job.kind,
        "state": job.state,
        "done": _so_far(job),
        "requested by": job.requested_by,
        "requested": when(job.requested_at),
        "finished": when(job.finished_at),
        "file": _file_of(job),
        "why it failed": "; ".join(str(job.problem[one]) for one in ("title", "detail") if one in job.problem)
        if job.problem
        else "",
        "undone by": str(job.undone_by or ""),
        **dict(named_values(job.result or {})),
    }
    show(("job", str(job.job_id)), facts.items())
    if job.state in {"failed", "cancelled"}:
        raise typer.Exit(1)


@jobs.command("cancel")
def cancel_job(job_id: JobArgument) -> None:
    """Cancel a job. What it has made is deleted."""
    from services.control import jobs as service

    on_database(Settings(), lambda engine: service.cancel_job(engine, job_id))
    say(f"Job {job_id} is cancelled.")


@jobs.command("download")
def download_file(
    job_id: JobArgument,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Where; otherwise here, by the file's own name.")
    ] = None,
) -> None:
    """Save the file that a job made, and compare its hash. A download that was cut off goes on where it was."""
    from services.control import job_files
    from services.control import jobs as service
    from services.control.errors import FileGone

    async def saved(engine: "AsyncEngine") -> Path:
        job = await service.find_job(engine, job_id)
        if job.file is None or not job.file.is_kept:
            raise FileGone("the file is no longer kept" if job.file else f"the job is {job.state}, and has no file")
        target = to or Path(Path(job.file.name).name)
        if target.exists():
            fail(f"{target}: {_EXISTS}")
        partial = target.with_name(f"{target.name}.{job_id}.part")
        with partial.open("ab") as opened, progress_bar() as bar:
            start = opened.tell()
            shown = bar.add_task(target.name, completed=start, total=job.file.size)
            async for piece in job_files.read_bytes(engine, job_id, start, job.file.size):
                opened.write(piece)
                bar.advance(shown, len(piece))
        if _sha256(partial) != job.file.sha256:
            partial.unlink()
            fail(f"{target}: its bytes are not those that were made; download it again")
        return partial.rename(target)

    say(f"{on_database(Settings(), saved)} is complete.")


def _so_far(job: "Job") -> str:
    return str(job.done) if job.total is None else f"{job.done}/{job.total}"


def _file_of(job: "Job") -> str:
    if job.file is None:
        return ""
    until = f"until {when(job.file.expires_at)}" if job.file.is_kept else "no longer kept"
    return f"{job.file.name}, {job.file.size} bytes, {until}"


def _sha256(path: Path) -> bytes:
    import hashlib

    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()
