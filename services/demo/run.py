"""One run of the demo on a running stack: send, wait, count, compare."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import TypeAdapter, ValidationError
from rich import progress as bars
from rich.console import Console

from services.demo import customers
from services.demo.accounts import LogCounts, SendCounts, faults
from services.demo.connections import Target
from services.demo.deliveries import Deliveries, deliveries
from services.demo.errors import DemoError
from services.demo.generate import generate_year
from services.demo.progress import Progress, active_tables
from services.demo.report import Result, next_steps
from services.demo.sending import send
from services.demo.tenant_settings import send_settings
from services.runtime.broker import BROKER_ERRORS
from services.runtime.database import DATABASE_ERRORS
from services.runtime.settings import Settings
from services.runtime.unreachable import trouble_of, trouble_with_http
from services.verify.main import verify

_ENDS_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Which events are made."""

    seed: int
    people: int
    events: int

    @property
    def name(self) -> str:
        """The run's name, the same for equal parameters."""
        return f"{self.seed}/{self.people}/{self.events}"


@contextmanager
def server_losses() -> Iterator[None]:
    """Turn what the loss of a server raises into a DemoError that names the server."""
    servers = {BROKER_ERRORS: "Kafka", (httpx.HTTPError,): "The HTTP service", DATABASE_ERRORS: "PostgreSQL"}
    try:
        yield
    except (*BROKER_ERRORS, httpx.HTTPError, *DATABASE_ERRORS) as error:
        server = next(name for errors, name in servers.items() if isinstance(error, errors))
        why = trouble_with_http(error) if server == "The HTTP service" else trouble_of(error)
        raise DemoError(f"{server} was lost in the middle of the demo: {why}.") from error


async def run(settings: Settings, target: Target, parameters: Parameters, console: Console) -> Result:
    """Send the year, wait until all of it is visible, and compare. Raises DemoError, or what a lost server raises."""
    until_ms, repeated = end_of_year(settings.data_dir, parameters.name, int(time.time() * 1000))
    with console.status("Making the events of the year …"):
        year = generate_year(parameters.seed, parameters.people, parameters.events, until_ms)
        planned = deliveries(year.reports, parameters.name)
    async with active_tables(settings) as (pool, generation):
        progress, sent, began = Progress(settings, pool, generation), SendCounts(), time.monotonic()
        before = await progress.wait_until_folded()
        with _progress_bars(console, planned, sent, before) as show:
            sending = send(target, planned, sent, settings)
            counted = (await progress.shown(show, sending)).since(before)
        seconds = time.monotonic() - began
        already_there = planned.distinct - counted.committed if repeated else 0
        found = faults(planned, sent, counted, already_there) + await _differences(settings, console)
        await send_settings(target)
        profile, why = await customers.read_profile(target.url, target.key, year.featured.ref)
        return Result(
            **sent.model_dump(),
            **counted._asdict(),
            already_there=already_there,
            seconds=round(seconds, 3),
            events_per_s=round(sum(counted) / seconds, 1),
            balanced=not found,
            faults=found,
            contacts=await customers.contacts_by_channel(pool),
            customers=await customers.count_customers(settings, pool, generation),
            why=why,
            profile=profile,
            url=target.url,
            key=target.key,
            next=next_steps(target, profile, why),
        )


async def _differences(settings: Settings, console: Console) -> list[str]:
    """What `onefold verify` finds wrong."""
    verdict = await verify(settings, console)
    tables = [f"Table {one.table}: {one.difference}." for one in verdict.tables if one.difference]
    return tables if verdict.counted else [*tables, "The counters are not what a fold of the log counts."]


def end_of_year(data_dir: Path, name: str, now_ms: int) -> tuple[int, bool]:
    """Return when the year of this run ends, and whether an earlier run of the name on these data began then.

    The time is kept beside the data, so that a repeated demo sends the same events.
    """
    path = data_dir / _ENDS_FILE
    try:
        known = TypeAdapter(dict[str, int]).validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        known = {}
    if name in known:
        return known[name], True
    data_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known | {name: now_ms}, indent=1) + "\n")
    return now_ms, False


@contextmanager
def _progress_bars(
    console: Console, planned: Deliveries, sent: SendCounts, before: LogCounts
) -> Iterator[Callable[[LogCounts], None]]:
    """Bars for what was sent, accepted and folded; yields the function that moves them."""
    description, note = bars.TextColumn("{task.description:>9}"), bars.TextColumn("{task.fields[note]}")
    columns = (description, bars.BarColumn(), bars.MofNCompleteColumn(), note, bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=console) as shown:
        records, began = planned.accepted + len(planned.broken), time.monotonic()
        tasks = {name: shown.add_task(name, total=records, note="") for name in ("sent", "accepted", "visible")}

        def show(now: LogCounts) -> None:
            visible = sum(now.since(before))
            rate = visible / max(0.001, time.monotonic() - began)
            shown.update(tasks["sent"], completed=sent.sent - sent.rejected + sent.broken_written)
            shown.update(tasks["accepted"], completed=sent.accepted + sent.broken_written)
            shown.update(tasks["visible"], completed=visible, note=f"{rate:,.0f} events/s")

        yield show
