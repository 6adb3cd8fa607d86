"""Waiting for a server that is away: growing pauses, a log line each, and a note for whoever asks why nothing moves."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Waiting:
    """Which servers this process is waiting for just now."""

    def __init__(self) -> None:
        self.away: set[str] = set()

    async def until_done(
        self, server: str, once: Callable[[], Awaitable[T]], heals: Callable[[BaseException], bool]
    ) -> T:
        """What ``once`` returns, tried again for as long as its errors are of the kind that time heals."""

        def report(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self.away.add(server)
            log.warning("server_away", server=server, error=type(error).__name__, attempt=state.attempt_number)

        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(heals),
                wait=wait_random_exponential(0.2, max=5),
                before_sleep=report,
                reraise=True,
            ):
                with attempt:
                    return await once()
        finally:
            self.away.discard(server)  # also if it failed otherwise, or was given up: nobody waits any more
        raise AssertionError("unreachable: tenacity returns, raises, or tries again")
