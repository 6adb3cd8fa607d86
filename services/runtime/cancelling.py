"""Cancelling tasks: at a deadline, or until they have ended."""

import asyncio
from types import TracebackType
from typing import Any, Final

_AGAIN_AFTER: Final = 0.5


async def cancel_all(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel the tasks; return once all have ended, with whatever result.

    A task is cancelled again every half second until it ends: ``asyncio.wait_for``, which libraries below use, loses a
    cancellation that arrives just when the awaited task is done (until Python 3.12).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_AFTER)
    await asyncio.gather(*tasks, return_exceptions=True)


class TimeLimit:
    """``asyncio.timeout`` without rescheduling, in half of its time: every request to a hot route has one.

    A block that takes longer is cancelled, and TimeoutError raised.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cancelled")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        # Whoever else cancelled the task meanwhile wants it cancelled.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
