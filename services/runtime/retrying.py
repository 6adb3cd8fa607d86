"""Retrying while a server is unavailable: growing pauses, a log line for each, and a record for the watchdog."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Retrier:
    """Retries calls, and knows which servers this process is waiting for."""

    def __init__(self) -> None:
        self.unavailable: set[str] = set()

    async def until_done(
        self, server: str, call: Callable[[], Awaitable[T]], is_transient: Callable[[BaseException], bool]
    ) -> T:
        """What ``call`` returns; it is called again for as long as its errors are transient. Raises any other error."""
        try:
            return await call()
        except Exception as error:
            if not is_transient(error):
                raise
            return await self._until_back(server, call, is_transient, error)

    async def _until_back(
        self,
        server: str,
        call: Callable[[], Awaitable[T]],
        is_transient: Callable[[BaseException], bool],
        first: Exception,
    ) -> T:
        """The same, once a call has raised ``first``: what retries is made for those alone, since it costs much."""

        def report(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self.unavailable.add(server)
            log.warning("server_away", server=server, error=type(error).__name__, attempt=state.attempt_number)

        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(is_transient),
                wait=wait_random_exponential(0.2, max=5),
                before_sleep=report,
                reraise=True,
            ):
                with attempt:
                    if attempt.retry_state.attempt_number == 1:
                        raise first
                    return await call()
        finally:
            self.unavailable.discard(server)  # also after another error or a cancellation: nobody waits any more
        raise AssertionError("unreachable: tenacity returns, raises, or tries again")
