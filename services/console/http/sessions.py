"""Who is signed in, looked up once in two seconds as API keys are: a page and its parts ask for it many times."""

from collections.abc import Awaitable, Callable
from typing import Final

from services.console.http.visits import Visit
from services.control.console_sessions import LONGEST_SECRET, ConsoleSession
from services.runtime.caching import LookupCache

_WITHIN: Final = 5.0  # seconds, as long as a statement may take


class SignedInSessions:
    """Finds sessions by their secrets. A session that another process ended is found for two seconds more."""

    def __init__(self, find: Callable[[str], Awaitable[ConsoleSession | None]]) -> None:
        self._find = find
        self.forget()

    async def find(self, secret: str) -> ConsoleSession | None:
        """The session of that secret, if it is one. Raises what looking for it raises."""
        return await self._cache.get(secret) if len(secret) <= LONGEST_SECRET else None

    def forget(self) -> None:
        """Look for every session anew: call it when one has ended. Answers that are on their way are not kept."""
        self._cache = LookupCache(self._find, stale_if_error=0, timeout=_WITHIN, timeout_with_answer=_WITHIN)


def forget_sessions(visit: Visit) -> None:
    """Have sessions that a page has ended be over at once."""
    sessions: SignedInSessions = visit.request.app.state.sessions
    sessions.forget()
