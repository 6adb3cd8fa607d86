"""Connections to PostgreSQL: asyncpg's own for the read models, SQLAlchemy's engine for the control plane."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

Engine = AsyncEngine  # for modules that pass it on and speak no SQL

_CONNECT_TIMEOUT: Final = 10.0
_ANSWER_WITHIN: Final = 5.0  # seconds after the server's own statement timeout
# A plan made while a table was small, or not analysed yet, must not scan it from end to end once it is large.
BY_KEY: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


def create_pool(  # noqa: PLR0913 - what differs between processes
    url: str,
    *,
    schema: str = "onefold",
    min_size: int = 1,
    max_size: int = 4,
    statement_timeout: float = 60.0,
    idle_in_transaction: float = 60.0,
    name: str = "onefold",
    by_key: bool = False,
    **settings: str,
) -> asyncpg.Pool:
    """A pool, not opened yet, whose connections have ``schema`` as their search path.

    ``statement_timeout`` and ``idle_in_transaction`` are seconds. The server rolls a transaction back whose client is
    silent for longer: a process that was stopped, or whose machine is gone, must not keep its locks.
    With ``min_size`` 0 the pool opens without connecting, so also while PostgreSQL is unreachable.
    ``by_key`` forbids plans that scan tables, for callers whose every statement finds its rows by key.
    ``settings`` are further settings of PostgreSQL for every connection.
    A released connection keeps its session settings and locks: take them for a transaction only.
    """
    return asyncpg.create_pool(
        url,
        min_size=min_size,
        max_size=max_size,
        timeout=_CONNECT_TIMEOUT,
        command_timeout=statement_timeout + _ANSWER_WITHIN,
        reset=_keep,  # resetting what no caller changes would cost a round trip for every use
        server_settings=_session(schema, statement_timeout, idle_in_transaction, name)
        | (BY_KEY if by_key else {})
        | settings,
    )


@asynccontextmanager
async def dedicated_connection(
    url: str, *, schema: str, silent_for: float, statement_timeout: float = 60.0, name: str = "onefold"
) -> AsyncIterator[asyncpg.Connection]:
    """A connection outside of any pool, for locks that last as long as their session. Plans find rows by key only.

    It is terminated in the end, without a word to the server, which may be unreachable. The server ends it after
    ``silent_for`` seconds of silence, in a transaction or not, so that a lock never outlives its holder for long.
    """
    settings = _session(schema, statement_timeout, silent_for, name)
    connection = await asyncpg.connect(
        url,
        timeout=_CONNECT_TIMEOUT,
        command_timeout=statement_timeout + _ANSWER_WITHIN,
        server_settings=settings | BY_KEY | {"idle_session_timeout": str(int(silent_for * 1000))},
    )
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def open_engine(
    url: str, *, max_size: int = 4, statement_timeout: float = 60.0, name: str = "onefold"
) -> AsyncIterator[AsyncEngine]:
    """An engine for the control schema, closed in the end; it connects when it is first used."""

    async def connect() -> asyncpg.Connection:
        # By the same URL as the pools, with whatever options asyncpg knows.
        return await asyncpg.connect(
            url,
            timeout=_CONNECT_TIMEOUT,
            command_timeout=statement_timeout + _ANSWER_WITHIN,
            server_settings=_session("onefold", statement_timeout, statement_timeout, name),
        )

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=max_size,
        max_overflow=0,
        hide_parameters=True,  # an error must not show values
    )
    sa.event.listen(engine.sync_engine, "checkout", _refuse_closed)
    try:
        yield engine
    finally:
        await engine.dispose()


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool replace a connection that the server has closed while nobody used it."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


async def read(engine: AsyncEngine, statement: sa.Select[Any], **parameters: Any) -> list[dict[str, Any]]:
    """The rows of one statement, as column names to values. Without a transaction, so in one round trip.

    ``parameters`` are the values of the statement's ``bindparam``s. A statement that is executed often is built once.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        return [row._asdict() for row in await connection.execute(statement, parameters)]


async def ping(engine: AsyncEngine) -> None:
    """Ask the server for an answer. Raises what connecting and asking raise."""
    await read(engine, sa.select(sa.literal(1)))


async def read_one(engine: AsyncEngine, statement: sa.Select[Any], **parameters: Any) -> dict[str, Any] | None:
    """The first row that ``read`` gives, if there is one."""
    rows = await read(engine, statement, **parameters)
    return rows[0] if rows else None


def _session(schema: str, statement_timeout: float, idle_in_transaction: float, name: str) -> dict[str, str]:
    return {
        "search_path": schema,
        "application_name": name,
        "statement_timeout": str(int(statement_timeout * 1000)),
        "idle_in_transaction_session_timeout": str(int(idle_in_transaction * 1000)),
        "jit": "off",  # the statements are short; compiling them costs more than it saves
    }


async def _keep(_connection: Any) -> None:
    """Leave a released connection as it is."""


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


# There is no database of that name, none of our tables in it, or it refuses our user.
_NOT_SET_UP: Final = (
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
# Everything that talking to PostgreSQL raises.
DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, sa.exc.DBAPIError, OSError)


def is_transient(error: BaseException) -> bool:
    """Whether a retry can succeed: the server is unreachable, starting or stopping, or ended a deadlock."""
    if isinstance(error, sa.exc.TimeoutError):  # no connection of the engine was free
        return True
    error = _first_of(driver_error(error))
    # What asyncpg raises at the next use of an idle connection that a stopping server has closed.
    if type(error) is asyncpg.InternalClientError:
        return True
    # asyncpg's error for an argument that it can't encode is an InterfaceError and a DataError at once.
    return isinstance(error, _TRANSIENT) and not isinstance(error, (ValueError, *REJECTIONS))


def _first_of(error: BaseException) -> BaseException:
    """The error that ended a transaction, where one of asyncpg's use only came while it was taken back.

    Once a row could not be encoded for COPY, asyncpg refuses the ROLLBACK that follows: one is being cancelled.
    """
    while type(error) is asyncpg.InterfaceError and isinstance(error.__context__, Exception):
        error = error.__context__
    return error


_OUTAGES: Final = (
    asyncpg.CannotConnectNowError,
    asyncpg.DiskFullError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    asyncpg.TransactionRollbackError,
)


def is_outage(error: BaseException) -> bool:
    """Whether a transient error is about the server or other clients, never about what the transaction does.

    Others may be either: a server that stops ends a transaction like one that was silent, or worked, for too long.
    """
    error = _first_of(driver_error(error))
    refused = isinstance(error, OSError) and not isinstance(error, TimeoutError)
    return refused or isinstance(error, _OUTAGES)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database can't be used for now: the error is transient, or an operator has to set it up first."""
    return is_transient(error) or isinstance(driver_error(error), _NOT_SET_UP)


def driver_error(error: BaseException) -> BaseException:
    """The error of asyncpg that an engine's error stands for; any other error itself."""
    return error.driver_exception if isinstance(error, sa.exc.DBAPIError) else error


def violated_constraint(error: sa.exc.IntegrityError) -> str | None:
    """The name of the constraint that a statement violated."""
    name: str | None = getattr(driver_error(error), "constraint_name", None)
    return name
