"""Waits on a terminal for a job of the service to end."""

import time
from typing import Final

from services.query.core.job_models import JobView
from services.query.read_client import ReadClient
from services.runtime.terminal import fail, progress_bar

_LOOK_EVERY: Final = 0.5  # seconds


def until_ended(client: ReadClient, job: JobView) -> JobView:
    """The job once it has ended, well or not; a progress bar shows how far it is. Raises CannotRead."""
    with progress_bar() as bar:
        shown = bar.add_task("")
        while job.finished_at is None:
            time.sleep(_LOOK_EVERY)
            job = client.job(job.id)
            bar.update(shown, completed=job.progress.done, total=job.progress.total, description=job.state)
    return job


def require_done(job: JobView, advice: str = "") -> None:
    """End the command with the reason, and the advice, if the job has failed or was cancelled."""
    if job.state != "done":
        problem = job.problem or {}
        reason = ". ".join(str(problem[one]).rstrip(".") for one in ("title", "detail") if one in problem)
        fail(" ".join(part for part in (f"{reason or f'the job is {job.state}'}.", advice) if part))
