"""The worker processes that a rebuild starts for the generation that it builds."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.embedded import guard
from services.embedded.errors import ChildDied
from services.embedded.ports import free_port
from services.embedded.process import Lease, Process, Program
from services.embedded.restarts import KILLED_STATUS, RESTART_STATUS
from services.embedded.service_processes import CLI, environment, start_worker
from services.embedded.workers import Workers
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings
from services.runtime.terminal import say

_NICE: Final = 15  # a rebuild that gives way takes what the service leaves of the processors, and always a little
_GRACE: Final = 60.0  # seconds that it may take to end its workers


def useful_workers(settings: Settings) -> int:
    """How many workers there can be without two that wait for one processor, or one without a partition."""
    processors = os.cpu_count() or 1
    return min(processors, settings.partitions or processors)


def start_builder(settings: Settings, generation: str, arguments: Sequence[str], lease: Lease) -> Process:
    """Start the process that builds the generation, by the same command with these arguments.

    It has a session of its own, and calls `lower_priority` once it has started: at a low priority that alone could take
    minutes. What it prints is shown as this process's own.
    """
    command = (sys.executable, *CLI, "rebuild", "--of", generation, *arguments)
    log = settings.data_dir / "logs" / "rebuild.log"  # not used, since it is shown
    interrupted = signal.SIGINT  # as if the command were
    return Process(
        Program(
            "The rebuild",
            command,
            log,
            env=environment(settings),
            stop_signal=interrupted,
            grace=_GRACE,
            shown=True,
        ),
        lease,
    )


def lower_priority() -> None:
    """Have this process, which has a session of its own, leave the processors to others from now on."""
    guard.lower_priority(os.getpid(), _NICE)


class WorkerEnded(ForeseenError):
    """A worker ended that was not told to, and that starting it again does not help."""


class WorkerProcesses:
    """Workers of one generation. They end with this process, however it ends. The methods block.

    Those that give way, ``yielding``, run at a low priority.
    """

    def __init__(  # noqa: PLR0913 - what makes workers
        self, settings: Settings, generation: str, number: int, logs: Path, lease: Lease, *, yielding: bool
    ) -> None:
        self._settings = settings
        self._generation = generation
        self._logs = logs
        self._lease = lease
        self._nice = _NICE if yielding else 0
        self._workers = Workers(number, self._start, statuses=(RESTART_STATUS, KILLED_STATUS))

    def _start(self, number: int) -> Process:
        settings = self._settings.model_copy(update={"worker_port": free_port(), "wait_for_repair": False})
        name = f"rebuild-{number + 1}"
        return start_worker(settings, self._logs, self._lease, generation=self._generation, name=name, nice=self._nice)

    def start(self) -> None:
        """Start all of them; they are not ready yet. After an error, `stop` ends those that were started."""
        self._workers.start()

    def check(self) -> None:
        """Start those again that asked for it, or were killed. Raises WorkerEnded if another one ended."""
        try:
            ended = self._workers.check()
        except ChildDied as error:
            raise WorkerEnded(str(error)) from error
        for process in ended:
            say(f"A worker of {self._generation} ended with status {process.exit_code}, and is started again.")

    def stop(self) -> None:
        """End all of them."""
        self._workers.stop()


@contextmanager
def worker_processes(
    settings: Settings, generation: str, number: int, logs: Path, *, yielding: bool = True
) -> Iterator[WorkerProcesses]:
    """Run so many workers of the generation until the block ends; those that are ``yielding`` at a low priority."""
    with tempfile.TemporaryDirectory(prefix="onefold-rebuild-") as run, Lease(Path(run)) as lease:
        workers = WorkerProcesses(settings, generation, number, logs, lease, yielding=yielding)
        try:
            workers.start()
            yield workers
        finally:
            workers.stop()
