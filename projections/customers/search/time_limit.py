"""What a search that takes too long is answered with, should its cost have been told too low beforehand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from projections.customers.search.costs import TooDear
from projections.engine.connection import Connection

LONGEST_COUNT: Final = 30  # seconds, for counting whom a job will be about: a million customers may take ten
_NARROWER: Final = (
    "A condition within the outermost `all` that fewer customers fulfil (a tag, an account, a branch, a member id, a "
    "phone) makes it faster, and so do fewer conditions."
)


@asynccontextmanager
async def within_time(connection: Connection, longest: str = "") -> AsyncIterator[None]:
    """Raises TooDear where a statement within the block takes longer than the connection's ``statement_timeout``.

    The transaction goes on after it. ``longest`` is the limit as the message names it.
    """
    try:
        async with connection.transaction():
            yield
    except asyncpg.QueryCanceledError as error:
        limit = f"`statement_timeout`, {longest}" if longest else "`statement_timeout`"
        raise TooDear(f"The search took longer than one statement may ({limit}). {_NARROWER}") from error


@asynccontextmanager
async def within_time_of_count(connection: Connection) -> AsyncIterator[None]:
    """The same with `LONGEST_COUNT`, for the rest of the transaction: what a job will do is counted whatever it is.

    The statement's own ``timeout`` has to be longer.
    """
    await connection.execute(f"SET LOCAL statement_timeout = '{LONGEST_COUNT}s'")
    async with within_time(connection, f"{LONGEST_COUNT}s"):
        yield
