"""The command `why`: why two contacts are one customer or are not, printed for people or as JSON."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from projections.as_of.cutoff import Cutoff
from projections.as_of.queries import TooMuchHistory
from projections.engine.generation_records import NoGeneration
from projections.engine.times import NoTime, read_time
from projections.identity.resolution.explain import UNLINKED_MEANINGS
from projections.identity.resolution.links import MEANINGS
from services.control.tenants import list_tenants
from services.query.adapters.single_connection import SingleConnection, generation_connection
from services.query.core.errors import NotFound
from services.query.core.identity_models import EvidenceEvent, Explanation, Tie
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.explainer import Explainer
from services.query.handlers.past import PastReadModels
from services.runtime.database import DATABASE_ERRORS, Engine, open_engine
from services.runtime.settings import Settings
from services.runtime.terminal import show_on
from services.runtime.unreachable import explained

_MEANINGS: Final = {**MEANINGS, **UNLINKED_MEANINGS}
_SAYS: Final = {
    "intrinsic": "vouched for",
    "verified": "verified",
    "stated": "stated",
    "claimed": "claimed",
    "retracted": "taken back",
    "decided": "decided",
}


class CannotExplain(Exception):
    """There is no answer; the message says why."""


def cutoff_of(as_of: str | None, known_at: str | None) -> Cutoff:
    """The cutoff at these times. Raises CannotExplain."""
    try:
        return Cutoff(*(None if text is None else read_time(text) for text in (as_of, known_at)))
    except NoTime as error:
        raise CannotExplain(str(error)) from error


def run(settings: Settings, tenant: str | None, contacts: tuple[str, str], cutoff: Cutoff, *, as_json: bool) -> None:
    """Read the database and print the answer. Raises CannotExplain and MissingSetting."""
    try:
        why = asyncio.run(_ask(settings, tenant, contacts, cutoff))
    except (NotFound, NoGeneration, TooMuchHistory) as error:
        raise CannotExplain(str(error)) from error
    except DATABASE_ERRORS as error:
        raise CannotExplain(explained(error)) from error
    if as_json:
        typer.echo(why.model_dump_json())
    else:
        show(Console(), why)


def show(console: Console, why: Explanation) -> None:
    """Print the answer."""
    for line in _verdict(why):
        console.print(Text(line), soft_wrap=True)
    if why.chain:
        _show_chain(console, why.chain)
    for line in _advice(why):
        console.print(Text(line), soft_wrap=True)


def _show_chain(console: Console, chain: Sequence[Tie]) -> None:
    console.print()
    show_on(
        console,
        ("contact", "is tied to", "tier", "by"),
        (
            (
                _node(tie.contact, tie.session),
                f"{tie.type} {_node(tie.value, tie.value_session)}",
                "-" if tie.tier is None else str(tie.tier),
                _by(tie),
            )
            for tie in chain
        ),
    )


def _verdict(why: Explanation) -> Iterator[str]:
    both = f"{_printable(why.a.contact)} and {_printable(why.b.contact)}"
    if why.because == "same_contact":
        yield f"{_printable(why.a.contact)} is one contact, of customer {why.a.customer_id}."
    elif why.together:
        yield f"{both} are one customer, {why.a.customer_id}, by these links:"
    else:
        yield f"{both} are two customers, {why.a.customer_id} and {why.b.customer_id}."
        if why.decided_different:
            yield "Staff decided that the two are not one person."
        if why.chain:
            yield "What would tie them together:"
        elif why.because == "missing_evidence":
            yield "Nothing was ever said that would tie them together."


def _advice(why: Explanation) -> Iterator[str]:
    if not why.complete:
        yield ""
        yield "There was too much to search: there may be a better explanation."
    if why.set_aside:
        yield ""
        yield "No evidence:"
        yield from (f"  {_printable(one.contact)}: {_printable(one.detail)}" for one in why.set_aside)
    if why.would_join:
        yield ""
        yield "What would make them one:"
    for remedy in why.would_join:
        yield f"  {_printable(remedy.text)}"
        if remedy.request:
            yield f"    {_printable(remedy.request)}"


def _node(contact: str, session: str | None) -> str:
    name = _printable(contact)
    return f"{name} (as {_printable(session)})" if session else name


def _by(tie: Tie) -> str:
    events = "; ".join(_event(one) for one in tie.events)
    if tie.reason is None:
        return events
    against = f" ({', '.join(map(_printable, tie.detail))})" if tie.detail else ""
    status = "refused" if tie.status == "refused" else "set aside"
    return f"{status}: {_MEANINGS[tie.reason]}{against}; {events}"


def _event(one: EvidenceEvent) -> str:
    at = datetime.fromtimestamp(one.at / 1000, UTC)
    return f"{_SAYS[one.says]} {at:%Y-%m-%d %H:%M:%S} UTC by {_printable(one.event_id)}"


def _printable(text: str) -> str:
    """The text without control characters: anybody can put a terminal's escape sequence into a uid."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


async def _ask(settings: Settings, tenant: str | None, contacts: tuple[str, str], cutoff: Cutoff) -> Explanation:
    lookup = CustomerLookup.of(settings)
    async with open_engine(settings.database_url, max_size=1) as engine:
        chosen = await _tenant(engine, tenant)
    async with generation_connection(settings.database_url, name="why") as connection:
        read_models = SingleConnection(connection)
        past = PastReadModels(read_models.connection, lookup.id_of, lookup.region)
        return await Explainer(read_models, lookup, past).why(chosen, *contacts, cutoff)


async def _tenant(engine: Engine, wanted: str | None) -> str:
    known = [one.tenant for one in await list_tenants(engine)]
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None or wanted not in known:
        problem = "There is no such tenant" if wanted else "Say whose they are with --tenant"
        raise CannotExplain(f"{problem}; there are: {', '.join(known) or 'none'}")
    return wanted
