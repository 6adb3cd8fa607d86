"""One run of the demo on a running stack: send, wait, count, compare."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich import progress as bars
from rich.console import Console

from schemas.topics import CHANNEL_EVENTS
from services.demo import customers
from services.demo.accounts import Expected, LogCounts, SendCounts, faults
from services.demo.deliveries import Deliveries, deliveries
from services.demo.errors import ServerLost
from services.demo.generate import generate_year
from services.demo.progress import Progress, active_tables
from services.demo.report import Result
from services.demo.sending import Target, run_together, send, write_broken
from services.runtime.broker import BROKER_ERRORS
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS
from services.runtime.settings import Settings
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
    """Turn what the loss of a server raises into ServerLost, which names the server."""
    try:
        yield
    except BROKER_ERRORS as error:
        raise _lost("Kafka", error) from error
    except httpx.HTTPError as error:
        raise _lost("The HTTP service", error) from error
    except DATABASE_ERRORS as error:
        raise _lost("PostgreSQL", error) from error


def _lost(server: str, error: Exception) -> ServerLost:
    return ServerLost(f"{server} was lost in the middle of the demo ({type(error).__name__}: {error}).")


async def run(settings: Settings, target: Target, parameters: Parameters, console: Console) -> Result:
    """Send the year, wait until all of it is visible, and compare. Raises DemoError, or what a lost server raises."""
    until_ms, repeated = end_of_year(settings.data_dir, parameters.name, int(time.time() * 1000))
    with console.status("Making the events of the year …"):
        year = generate_year(parameters.seed, parameters.people, parameters.events, until_ms)
        sent = deliveries(year.events, parameters.name)
    async with active_tables(settings) as (pool, generation):
        progress, counts, began = Progress(settings, pool, generation), SendCounts(), time.monotonic()
        before = await progress.wait_until_folded()
        with _progress_bars(console, sent, counts, before) as progress.show:
            after = await _deliver(settings, target, sent, counts, progress)
        seconds, counted = time.monotonic() - began, after - before
        already_there = sent.distinct - counted.committed if repeated else 0
        verdict = await verify(settings, console)
        profile, why = await customers.read_profile(target.url, target.key, year.featured.ref)
        return Result(
            sent=counts,
            counted=counted,
            already_there=already_there,
            seconds=seconds,
            contacts=await customers.contacts_by_channel(pool),
            customers=await customers.count_customers(settings, pool, generation),
            profile=profile,
            why=why,
            target=target,
            faults=[
                *faults(Expected.of(sent, already_there), counts, counted),
                *(f"Table {one.table}: {one.difference}." for one in verdict.tables if one.difference),
                *([] if verdict.counted else ["The counters are not what a fold of the log counts."]),
            ],
        )


def end_of_year(data_dir: Path, name: str, now_ms: int) -> tuple[int, bool]:
    """Return when the year of this run ends, and whether an earlier run of the name on these data began then.

    The time is kept beside the data, so that a repeated demo sends the same events.
    """
    path = data_dir / _ENDS_FILE
    known = _read(path)
    if name in known:
        return known[name], True
    data_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known | {name: now_ms}, indent=1) + "\n")
    return now_ms, False


def _read(path: Path) -> dict[str, int]:
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(name): int(until) for name, until in known.items()} if isinstance(known, dict) else {}


async def _deliver(
    settings: Settings, target: Target, sent: Deliveries, counts: SendCounts, progress: Progress
) -> LogCounts:
    """Send everything; return the counts once all of it is folded."""
    topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    showing = asyncio.create_task(progress.show_for_ever())
    try:
        broken = write_broken(settings.kafka_servers, topic, sent.broken, counts)
        await run_together(send(target, sent, counts), broken)
    finally:
        await cancel_all(showing)
    return await progress.wait_until_folded()


@contextmanager
def _progress_bars(
    console: Console, sent: Deliveries, counts: SendCounts, before: LogCounts
) -> Iterator[Callable[[LogCounts], None]]:
    """Bars for what was sent, accepted and folded; yields the function that moves them."""
    description, note = bars.TextColumn("{task.description:>9}"), bars.TextColumn("{task.fields[note]}")
    columns = (description, bars.BarColumn(), bars.MofNCompleteColumn(), note, bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=console) as shown:
        records, began = sent.accepted + len(sent.broken), time.monotonic()
        tasks = {name: shown.add_task(name, total=records, note="") for name in ("sent", "accepted", "visible")}

        def show(now: LogCounts) -> None:
            visible = (now - before).records
            rate = visible / max(0.001, time.monotonic() - began)
            shown.update(tasks["sent"], completed=counts.sent - counts.rejected + counts.broken)
            shown.update(tasks["accepted"], completed=counts.accepted + counts.broken)
            shown.update(tasks["visible"], completed=visible, note=f"{rate:,.0f} events/s")

        yield show
