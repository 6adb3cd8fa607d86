"""Connections to PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import asyncpg

_CONNECT_WITHIN: Final = 10.0
_ANSWER_WITHIN: Final = 5.0  # after the server itself should have given up
# A plan that was made while a table was small, or not yet counted, must not read it from end to end once it is large.
BY_KEY: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


def create_pool(  # noqa: PLR0913 - what differs between processes
    url: str,
    *,
    schema: str = "onefold",
    least: int = 1,
    size: int = 4,
    statement_timeout: float = 60.0,
    idle_in_transaction: float = 60.0,
    name: str = "onefold",
    by_key: bool = False,
    **settings: str,
) -> AbstractAsyncContextManager[Any]:
    """A pool whose connections see one schema; ``statement_timeout`` in seconds bounds every statement.

    With ``least`` 0 it opens without connecting, so also while PostgreSQL is away. A transaction that waits for its
    client longer than ``idle_in_transaction`` seconds is rolled back by the server: the locks of a process that was
    stopped, or whose machine is gone, must not hold up the one that takes its work over.
    ``by_key`` is for those whose every statement finds its rows by their keys.
    ``settings`` are PostgreSQL's own, for every connection.
    A connection that is given back keeps the settings of its session and its locks: take them for a transaction only.
    """
    pool: AbstractAsyncContextManager[Any] = asyncpg.create_pool(
        url,
        min_size=least,
        max_size=size,
        timeout=_CONNECT_WITHIN,
        command_timeout=statement_timeout + _ANSWER_WITHIN,
        reset=_keep,  # undoing what nobody does would cost every use a round trip
        server_settings=_session(schema, statement_timeout, idle_in_transaction, name)
        | (BY_KEY if by_key else {})
        | settings,
    )
    return pool


@asynccontextmanager
async def dedicated_connection(
    url: str, *, schema: str, silent_for: float, statement_timeout: float = 60.0, name: str = "onefold"
) -> AsyncIterator[Any]:
    """A connection of one's own, for locks that last as long as their session. Its statements find rows by their keys.

    It is cut in the end, without a word to the server, which may be away. And the server ends it when it was idle for
    ``silent_for`` seconds, be it in a transaction or not: whoever holds a lock must be heard of.
    """
    settings = _session(schema, statement_timeout, silent_for, name)
    connection = await asyncpg.connect(
        url,
        timeout=_CONNECT_WITHIN,
        command_timeout=statement_timeout + _ANSWER_WITHIN,
        server_settings=settings | BY_KEY | {"idle_session_timeout": str(int(silent_for * 1000))},
    )
    try:
        yield connection
    finally:
        connection.terminate()


def _session(schema: str, statement_timeout: float, idle_in_transaction: float, name: str) -> dict[str, str]:
    return {
        "search_path": schema,
        "application_name": name,
        "statement_timeout": str(int(statement_timeout * 1000)),
        "idle_in_transaction_session_timeout": str(int(idle_in_transaction * 1000)),
        "jit": "off",  # chunk statements are short; compiling them costs more than it saves
    }


async def _keep(_connection: Any) -> None:
    """Leave a connection that is given back as it is."""


_TRANSIENT: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# PostgreSQL refuses the values, whenever they are sent.
REJECTIONS: Final = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, asyncpg.IntegrityConstraintViolationError)


def is_transient(error: BaseException) -> bool:
    """Whether a retry can succeed: the server is unreachable, starting or stopping, or ended a deadlock."""
    # What asyncpg raises at the next use of an idle connection that a stopping server has closed.
    if type(error) is asyncpg.InternalClientError:
        return True
    # asyncpg's error for an argument that it can't encode is an InterfaceError and a DataError at once.
    return isinstance(error, _TRANSIENT) and not isinstance(error, (ValueError, *REJECTIONS))
