"""What every command does alike: ask the database, say what came of it, and end with a sentence when it can't."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.runtime.errors import ForeseenError
from services.runtime.settings import MissingSetting, Settings

T = TypeVar("T")
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")]
_FAILED: Final = 1


def on_database(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work returns, on a connection of its own; errors as ``run`` has them."""
    return run(lambda: with_database(settings, work))


async def with_database(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work returns, on a connection of its own. Raises what connecting raises."""
    import asyncpg

    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        return await work(connection)
    finally:
        await connection.close()


def run(work: Callable[[], Awaitable[T]]) -> T:
    """What the work returns; its foreseeable errors end the command with a sentence and status 1."""
    import asyncpg
    from aiokafka.errors import KafkaError

    from services.runtime.database import is_transient

    async def working() -> T:
        return await work()

    try:
        return asyncio.run(working())
    except ForeseenError as error:
        fail(str(error))
    except asyncpg.UndefinedTableError:
        fail("the control tables are not there yet; run `onefold migrate`")
    except Exception as error:
        if not (is_transient(error) or isinstance(error, KafkaError)):
            raise
        fail(f"the server can't be reached: {type(error).__name__}: {error}")


def setting(read: Callable[[], T]) -> T:
    """A setting that this command can't do without."""
    try:
        return read()
    except MissingSetting as error:
        fail(str(error))


def say(text: str) -> None:
    """A sentence for people, on stderr."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def fail(text: str) -> NoReturn:
    """Say why not, and end with status 1."""
    say(f"onefold: {text}")
    raise typer.Exit(_FAILED)


def show(titles: tuple[str, ...], rows: Iterable[Iterable[str]]) -> None:
    """A table on stdout."""
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))  # no markup: names are whatever people chose
    Console().print(table, soft_wrap=True)


def when(time: datetime | None) -> str:
    """A time as tables show it; nothing for none."""
    return time.strftime("%Y-%m-%d %H:%M") if time else ""
