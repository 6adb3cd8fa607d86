"""Several workers as child processes: one that it helps is started again, and all end together."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack

from services.embedded.errors import ChildDied
from services.embedded.process import Process, log_tail
from services.embedded.restarts import RESTART_STATUS, Restarts


class Workers:
    """So many workers; ``start`` starts one by its number, from 0. They end with this process. The methods block.

    One that ends with one of the ``statuses`` is started again.
    """

    def __init__(
        self, number: int, start: Callable[[int], Process], *, statuses: Collection[int] = (RESTART_STATUS,)
    ) -> None:
        self._start = start
        self._restarts = [Restarts(statuses=statuses) for _ in range(number)]
        self._running: list[Process] = []

    def start(self) -> None:
        """Start all of them; they are not ready yet. After an error, `stop` ends those that were started."""
        for number in range(len(self._restarts)):
            self._running.append(self._start(number))

    def __iter__(self) -> Iterator[Process]:
        """The processes as they are now, by their numbers."""
        return iter(tuple(self._running))

    def check(self) -> list[Process]:
        """Start those again that it helps; returns what has ended. Raises `ChildDied` if another one ended."""
        ended = []
        for number, process in enumerate(self._running):
            if process.exit_code is None:
                continue
            if not self._restarts[number].allowed(process.exit_code):
                raise died(process)
            ended.append(process)
            self._running[number] = self._start(number)
        return ended

    def stop(self) -> None:
        """End all of them."""
        with ExitStack() as ending:
            for process in self._running:
                ending.callback(process.stop)


def died(process: Process) -> ChildDied:
    """The error that a process ended that was not told to."""
    program = process.program
    return ChildDied(f"{program.name} ended unexpectedly with status {process.exit_code}. {log_tail(program.log)}")
