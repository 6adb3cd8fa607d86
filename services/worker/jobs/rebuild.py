"""A rebuild that somebody started from a page: the command `onefold rebuild`, in a process of its own.

It builds what this version of the code builds, gives way to the service as ever, and goes on where another one was
interrupted. It ends with the worker that runs the job; another worker starts it again then.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, BinaryIO, Final

from services.control.job_leases import WorkDone
from services.control.jobs import REBUILD, Job
from services.runtime.problems import Kind, document
from services.worker.jobs.kind import JobRefused, JobStep
from services.worker.parent_process import command_beside

_LOOK_EVERY: Final = 1.0  # seconds
_ENDS_WITHIN: Final = 60.0  # seconds, with the workers that it started
_MOST_OUTPUT: Final = 1 << 16  # bytes, the last ones
_DETAIL: Final = 2000  # characters
_FAILED: Final = Kind("rebuild-ended", "The rebuild did not come to its end", 409)


class Rebuild:
    """Runs rebuilds; see JobKind. ``command`` gives the program and its arguments."""

    name = REBUILD

    def __init__(self, command: Callable[[], Sequence[str]] = lambda: command_beside("rebuild")) -> None:
        self._command = command

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:  # noqa: ARG002 - see JobKind
        """What the command said."""
        return f"rebuild-{job.requested_at:%Y-%m-%d}.txt", "text/plain"

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step a second while it runs, and one for what it said. Raises JobRefused if it fails."""
        del job  # a rebuild is of all tenants
        with TemporaryDirectory(prefix="onefold-rebuild-") as folder, TemporaryFile() as output:
            async with self._running(Path(folder), output) as process:
                while process.returncode is None:
                    yield JobStep(WorkDone(0, None))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), _LOOK_EVERY)
            output.seek(max(0, output.seek(0, os.SEEK_END) - _MOST_OUTPUT))
            said = output.read()
            if process.returncode:
                raise JobRefused(document(_FAILED, said.decode(errors="replace").strip()[-_DETAIL:]))
            yield JobStep(WorkDone(1, 1), said)

    @asynccontextmanager
    async def _running(self, folder: Path, output: BinaryIO) -> AsyncIterator[asyncio.subprocess.Process]:
        """The process, which is ended with the block. Its workers write their logs into the folder."""
        process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "ONEFOLD_DATA_DIR": str(folder)},
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), _ENDS_WITHIN)
                except TimeoutError:
                    process.kill()
