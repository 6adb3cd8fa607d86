"""The demo itself, on a stack that runs: send, watch, count, show."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.demo import membership
from services.demo.accounts import Door, Expected, Tally, faults
from services.demo.again import end_of_life
from services.demo.errors import ServerLost
from services.demo.generate import Deliveries, deliveries, life
from services.demo.listening import listen
from services.demo.report import Result
from services.demo.requests import Address
from services.demo.sending import send, write_broken
from services.demo.showcase import showcase
from services.demo.together import together
from services.demo.visiting import visit_person
from services.demo.watching import Watch
from services.runtime.cancelling import cancel_all
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.3


@dataclass(frozen=True, slots=True)
class Story:
    """Which life is told."""

    seed: int
    people: int
    events: int

    @property
    def name(self) -> str:
        """As ``demo.json`` keeps it."""
        return f"{self.seed}/{self.people}/{self.events}"


@contextmanager
def losses_named() -> Iterator[None]:
    """What a server's absence raises inside becomes ServerLost, which says whose."""
    try:
        yield
    except KafkaError as error:
        raise _lost("Kafka", error) from error
    except httpx.HTTPError as error:
        raise _lost("The HTTP service", error) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise _lost("PostgreSQL", error) from error


def _lost(server: str, error: Exception) -> ServerLost:
    return ServerLost(f"{server} was lost in the middle of the demo ({type(error).__name__}: {error}).")


async def tell(settings: Settings, address: Address, story: Story, console: Console) -> Result:
    """Send the story and wait until all of it is visible. Raises DemoError, and what a lost server raises."""
    until_ms = end_of_life(settings.data_dir, story.name, int(time.time() * 1000))
    events = life(story.seed, story.people, story.events, until_ms)
    sent = deliveries(events, story.name, until_ms)
    async with Watch(settings) as watch:
        before = await watch.caught_up()
        already = await watch.known(sent.event_ids)
        began, door = time.monotonic(), Door()
        after = await _deliver(settings, address, sent, door, watch, before, console)
        seconds = time.monotonic() - began
        tables, listener = await watch.who_is_who(), await listen(settings)
        profile, why = await visit_person(address, showcase(events))
        return Result(
            door=door,
            counted=after - before,
            already=already,
            seconds=seconds,
            contacts=await watch.by_channel(),
            tables=tables,
            listener=listener,
            profile=profile,
            why=why,
            url=address.url,
            key=address.key,
            command=address.command,
            faults=faults(Expected.of(sent, already), door, after - before) + membership.faults(tables, listener),
        )


async def _deliver(  # noqa: PLR0913, PLR0917 - the parts of the one scene
    settings: Settings,
    address: Address,
    sent: Deliveries,
    door: Door,
    watch: Watch,
    before: Tally,
    console: Console,
) -> Tally:
    """Send everything while the bars move; the counters once all of it is folded."""
    with _bars(console) as bars:
        looked = _looker(bars, sent, door, before)
        async with _looking(watch, looked):
            broken = write_broken(settings.kafka_servers, watch.topic, sent.broken, door)
            await together(send(address, sent, door), broken)
        return await watch.caught_up(looked)


def _bars(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _looker(bars: Progress, sent: Deliveries, door: Door, before: Tally) -> Callable[[Tally], None]:
    """Who moves the bars: called with the counters now and then."""
    records, began = sent.accepted + len(sent.broken), time.monotonic()
    tasks = {name: bars.add_task(name, total=records, note="") for name in ("sent", "accepted", "visible")}

    def looked(now: Tally) -> None:
        visible = (now - before).records
        rate = visible / max(0.001, time.monotonic() - began)
        bars.update(tasks["sent"], completed=door.sent - door.rejected + door.broken)
        bars.update(tasks["accepted"], completed=door.accepted + door.broken)
        bars.update(tasks["visible"], completed=visible, note=f"{rate:,.0f} events/s")

    return looked


@asynccontextmanager
async def _looking(watch: Watch, looked: Callable[[Tally], None]) -> AsyncIterator[None]:
    async def look() -> None:
        while True:
            looked(await watch.tally())
            await asyncio.sleep(_LOOK_EVERY)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        await cancel_all(task)
