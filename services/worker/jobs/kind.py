"""What a kind of job is: a name, a file, and steps."""

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple, Protocol

from services.control.job_leases import WorkDone
from services.control.jobs import Job


class JobStep(NamedTuple):
    """A step that was done: how far the job is now, and what it adds to the job's file."""

    progress: WorkDone
    content: bytes = b""


class JobRefused(Exception):
    """The job can't be done; the problem document says why, and what to do."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["type"])
        self.problem = problem


class JobKind(Protocol):
    """How jobs of one kind are done."""

    @property
    def name(self) -> str:
        """The kind, as its jobs have it."""
        ...

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:
        """The name and the media type of the file of a job that came to this result; None if it has none."""
        ...

    def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """The steps that are left. Each is saved, with what it adds to the file, before the next one begins.

        A job that was interrupted begins again at the ``checkpoint`` of its last saved step. Without one it begins
        anew, and its file too. A step must bear being done twice: it may be interrupted before it is saved. It should
        take about a second at most: a job is cancelled between steps. Raises JobRefused.
        """
        ...
