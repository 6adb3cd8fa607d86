"""Why two contacts are one customer or are not, told to people on a terminal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from projections.engine.generations import NoGeneration, active_generation
from projections.identity.resolution.links import MEANINGS
from services.control import registry as control
from services.query.core.errors import NotFound
from services.query.core.identity_models import Evidence, Tie, Why
from services.query.explaining import Explainer
from services.query.naming import names_of
from services.runtime.settings import Settings

_SAYS: Final = {
    "first": "first said",
    "verified": "verified",
    "claimed": "claimed",
    "retracted": "taken back",
    "decided": "decided",
}


class Untold(Exception):
    """There is nothing to tell; the message says why."""


def run(settings: Settings, tenant: str | None, contacts: tuple[str, str], *, as_json: bool) -> None:
    """Ask the running service's database, and print the answer. Raises Untold and MissingSetting."""
    try:
        why = asyncio.run(_ask(settings, tenant, contacts))
    except (NotFound, NoGeneration) as error:
        raise Untold(str(error)) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Untold(f"PostgreSQL can't be asked: {type(error).__name__}") from error
    if as_json:
        print(why.model_dump_json())  # noqa: T201 - the command's output
    else:
        show(Console(), why)


def show(console: Console, why: Why) -> None:
    """Print the answer."""
    for line in _verdict(why):
        console.print(Text(line), soft_wrap=True)
    if not why.chain:
        return
    whole = [Column(name, overflow="fold") for name in ("contact", "is tied to", "tier", "by")]  # ids, not their heads
    grid = Table(*whole, box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for tie in why.chain:
        grid.add_row(
            Text(_printable(tie.contact)),
            Text(f"{tie.type} {_printable(tie.value)}"),
            Text("-" if tie.tier is None else str(tie.tier)),
            _by(tie),
        )
    console.print()
    console.print(grid)


def _verdict(why: Why) -> Iterator[str]:
    both = f"{_printable(why.a.contact)} and {_printable(why.b.contact)}"
    if why.because == "same_contact":
        yield f"{_printable(why.a.contact)} is one contact, of customer {why.a.customer_id}."
    elif why.together:
        yield f"{both} are one customer, {why.a.customer_id}, by these links:"
    else:
        yield f"{both} are two customers, {why.a.customer_id} and {why.b.customer_id}."
        if why.decided_different:
            yield "Staff decided that the two are not one person."
        yield "What would tie them together:" if why.chain else "Nothing was ever said that would tie them together."


def _by(tie: Tie) -> Text:
    said = Text("\n".join(_event(one) for one in tie.events))
    if tie.reason is not None:
        against = f" ({', '.join(map(_printable, tie.detail))})" if tie.detail else ""
        status = "refused" if tie.status == "refused" else "set aside"
        said = Text(f"{status}: {MEANINGS[tie.reason]}{against}\n", style="red").append(said)
    return said


def _event(one: Evidence) -> str:
    at = datetime.fromtimestamp(one.at / 1000, UTC)
    return f"{_SAYS[one.says]} {at:%Y-%m-%d %H:%M:%S} UTC by {_printable(one.event_id)}"


def _printable(text: str) -> str:
    """What a terminal shows and does not obey: anybody can put an escape sequence into a uid."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


async def _ask(settings: Settings, tenant: str | None, contacts: tuple[str, str]) -> Why:
    names = names_of(settings)
    connection = await asyncpg.connect(settings.database_url, timeout=5)
    try:
        chosen = await _tenant(connection, tenant)
        await connection.execute(f"SET search_path TO {await active_generation(connection)}")
        return await Explainer(_OneConnection(connection), names).why(chosen, *contacts)
    finally:
        await connection.close()


async def _tenant(connection: Any, wanted: str | None) -> str:
    known = [one.tenant for one in await control.list_tenants(connection)]
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None or wanted not in known:
        said = "There is no such tenant" if wanted else "Say whose they are with --tenant"
        raise Untold(f"{said}; there are: {', '.join(known) or 'none'}")
    return wanted


class _OneConnection:
    """The read models on a connection of one's own. See ports.ReadModels."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """The connection."""
        yield self._connection
