"""What every way of changing what is read needs: a connection of its own, the result, and the refusal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from projections.engine.connection import Connection
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

_CONNECT_WITHIN: Final = 10.0
_SILENT_WITHIN: Final = 60.0  # seconds; a process that is suspended must not keep its locks


class CannotActivate(ForeseenError):
    """The generation can't become the active one. The message says why, and what to do."""


class NotCaughtUp(CannotActivate):
    """The generation is behind the active one, and has not come as far in the time that it was given."""


@dataclass(frozen=True, slots=True)
class Activated:
    """The generation that is active now, the former one, and how many changes of customers were announced.

    ``former`` is None if it was the active one already. ``stopped`` is for how many seconds the workers of the active
    generation had to wait. Readers did not wait.
    """

    name: str
    former: str | None
    changes: int
    stopped: float = 0.0


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connection]:
    """A connection whose locks end with the process that holds them, or soon after it falls silent."""
    silent = str(int(_SILENT_WITHIN * 1000))
    connection = await asyncpg.connect(
        settings.database_url,
        timeout=_CONNECT_WITHIN,
        server_settings={"idle_in_transaction_session_timeout": silent, "application_name": "onefold-activate"},
    )
    try:
        yield connection
    finally:
        await connection.close()
