"""Shared by all commands: run work on the database, print results, and end with a sentence when something fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from services.runtime.errors import EXIT_INCOMPATIBLE, ForeseenError
from services.runtime.settings import MissingSetting, Settings

if TYPE_CHECKING:  # heavy, and most commands print a help text only
    from rich.progress import Progress

    from services.runtime.database import Engine

T = TypeVar("T")
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")]
_FAILED: Final = 1
_GAP: Final = "  "
_FACTS: Final = 2  # columns: a name and its value


def on_database(settings: Settings, work: "Callable[[Engine], Awaitable[T]]") -> T:
    """What the work returns, on an engine for the control schema; errors as ``run`` has them."""
    from services.runtime.database import open_engine

    async def working() -> T:
        async with open_engine(settings.database_url, max_size=1) as engine:
            return await work(engine)

    return run(working)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """What the work returns; a foreseen error ends the command with a sentence and status 1.

    The status is 78 where the read models were made by another version of the code.
    """
    import asyncpg

    from projections.engine.generation_records import IncompatibleGeneration, NoSuchGeneration
    from services.runtime.broker import BROKER_ERRORS
    from services.runtime.database import driver_error, is_unavailable
    from services.runtime.unreachable import explained

    async def working() -> T:
        return await work()

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it retries is no news; what fails, a sentence says
    try:
        return asyncio.run(working())
    except (ForeseenError, NoSuchGeneration) as error:
        fail(str(error))
    except IncompatibleGeneration as error:
        fail(str(error), EXIT_INCOMPATIBLE)
    except Exception as error:
        if isinstance(driver_error(error), asyncpg.UndefinedTableError):
            fail("the control tables are not there yet; run `onefold migrate`")
        if not (is_unavailable(error) or isinstance(error, BROKER_ERRORS)):
            raise
        if isinstance(error, OSError) and error.filename:  # it is no server's
            fail(f"{error.filename}: {error.strerror}")
        fail(explained(error))


def setting(read: Callable[[], T]) -> T:
    """The value of a setting that the command needs; a missing one ends the command with a sentence."""
    try:
        return read()
    except MissingSetting as error:
        fail(str(error))


def say(text: str) -> None:
    """Print a sentence for people, on stderr."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def fail(text: str, status: int = _FAILED) -> NoReturn:
    """Print the reason on stderr and end with the status."""
    say(f"onefold: {text}")
    raise typer.Exit(status)


def show(titles: tuple[str, ...], rows: Iterable[Iterable[str]], *, empty: str | None = None) -> None:
    """Print a table on stdout; with no rows, also the sentence ``empty`` on stderr.

    No value is cut or wrapped, so each can be copied. A table that is wider than the terminal is printed as one block
    of lines for each row.
    """
    if not show_on(Console(), titles, rows) and empty:
        say(empty)


def show_on(console: Console, titles: tuple[str, ...], rows: Iterable[Iterable[str]]) -> int:
    """Print a table as `show` does; the number of its rows."""
    table = [titles, *(tuple(cell.replace("\n", " ") for cell in row) for row in rows)]
    lines = _aligned(table)
    header = lines[0]
    if console.is_terminal and len(titles) > _FACTS and max(map(cell_len, lines)) > console.width:
        lines = [line for row in table[1:] for line in (*_aligned(list(zip(titles, row, strict=True))), "")]
    for line in lines:
        style = "bold" if line is header else ""
        console.print(Text(line.rstrip(), style), soft_wrap=True)  # no markup: names are whatever people chose
    return len(table) - 1


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose columns begin at the same place; Chinese characters are two cells wide."""
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    return [
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        for row in table
    ]


def when(time: datetime | None) -> str:
    """A time as tables show it; nothing for none."""
    return time.strftime("%Y-%m-%d %H:%M") if time else ""


def named_values(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """The values of a JSON object with their names; a value of an object inside it has both names."""
    for name, value in values.items():
        full = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from named_values(value, full)
        else:
            yield full, f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def progress_bar() -> "Iterator[Progress]":
    """A progress bar on stderr, where that is a terminal."""
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        yield bar
