"""The shapes of jobs: long work, how far it is, and the file that it made."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.query.core.models import Shape, Timestamp

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class JobProgress(Shape):
    """So much of so much is done; ``total`` is null while nobody knows how much there is to do."""

    done: int
    total: int | None


class JobFileView(Shape):
    """The file that a job made. ``href`` is where it is, and null once it is no longer kept."""

    href: Annotated[str | None, Field(examples=["/v1/jobs/5f0c8d2e-2f6b-4b0e-9a51-9f4d1c1f7a10/file"])]
    name: Annotated[str, Field(examples=["customers-2026-03-01.csv"])]
    type: Annotated[str, Field(examples=["text/csv"])]
    bytes: int
    sha256: Annotated[str, Field(description="of all its bytes, in hexadecimal digits")]
    expires_at: Timestamp


class JobView(Shape):
    """A job.

    It waits until a worker takes it. ``attempt`` goes up whenever one does: a job goes on after a crash, in which case
    ``progress`` may go back. ``problem`` is a problem document that says why it failed, and what to do.
    """

    id: UUID
    kind: Annotated[str, Field(examples=["export"])]
    state: JobState
    progress: JobProgress
    requested_by: str
    requested_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    attempt: int
    problem: dict[str, Any] | None
    result: Annotated[dict[str, Any] | None, Field(description="what came of it so far, in numbers; null for exports")]
    undone_by: Annotated[UUID | None, Field(description="the job that undoes it")]
    file: JobFileView | None


class JobPage(Shape):
    """Jobs, the newest first, and the cursor of the next page."""

    jobs: list[JobView]
    next: str | None
