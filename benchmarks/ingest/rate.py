"""The rates that one ingress process accepts: webhooks of one event, and events in batches of a hundred.

The webhooks are sent to the bare reference, too: both processes run, and take turns of a part of the webhooks each. The
processor time of a webhook, which other work on the machine hardly changes, is shown beside the rates.
"""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

import psutil

from benchmarks.bed import Bed
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.ingest.bare import BARE
from benchmarks.ingest.caller import callers, send_all
from benchmarks.ingest.requests import batches, uid_of, webhook
from benchmarks.ingest.service import INGRESS, prepared, serving
from schemas.topics import CHANNEL_EVENTS
from services.embedded.ports import free_port
from services.embedded.process import Process
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("webhooks_per_s", "signed webhooks of one event", "webhooks/s", at_least=3_000),
    Figure("bare_webhooks_per_s", "the same requests to the bare reference", "webhooks/s"),
    Figure(
        "webhooks_ratio_to_bare",
        "webhooks beside the bare reference",
        "of its rate",
        at_least=0.7,
        ratio=Ratio("webhooks_per_s", "bare_webhooks_per_s"),
    ),
    Figure("webhook_cpu_us", "processor time of one webhook", "µs"),
    Figure("bare_webhook_cpu_us", "processor time of one in the bare reference", "µs"),
    Figure(
        "webhook_cpu_ratio_to_bare",
        "processor time beside the bare reference",
        "times its",
        ratio=Ratio("webhook_cpu_us", "bare_webhook_cpu_us"),
    ),
    Figure("ingest_events_per_s", "events in batches of 100", "events/s", at_least=15_000),
)
_NAME: Final = "ingest"
_BARE: Final = "ingest-bare"
_WEBHOOKS_SHARE: Final = 10  # of the events' number
_LEAST: Final = 600
_BATCH: Final = 100
_AT_ONCE: Final = 64
_BATCHES_AT_ONCE: Final = 8
_TURNS: Final = 6  # parts that the webhooks are sent in; the first is the warm-up


class IngestRate:
    """See the package."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)
        self._settings: Settings | None = None
        self._key = ""
        self._sent = 0

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Make a brand and its account."""
        self._size = size
        self._settings, self._key = await prepared(bed, _NAME)
        await ensure_topics(self._settings.model_copy(update={"topic_prefix": _BARE}))

    async def measure(self, bed: Bed, number: int) -> Round:
        """Measure each, one after the other, on processes started for this round."""
        settings = self._settings
        if settings is None:
            raise BenchmarkFailed("prepare comes first")
        webhooks = self._webhooks()
        requests = list(batches(self._sent, self._events, _BATCH, self._size.contacts, self._key))
        before = await bed.records_in(_NAME, CHANNEL_EVENTS)
        bare = settings.model_copy(update={"topic_prefix": _BARE, "port": free_port()})
        async with serving(bed, settings, INGRESS) as ingress, serving(bed, bare, BARE, _BARE) as reference:
            with bed.console.status(f"round {number + 1}: {len(webhooks):,} webhooks, twice …"):
                ours, theirs = await _in_turn(webhooks, _Server(settings, ingress), _Server(bare, reference))
            with bed.console.status(f"round {number + 1}: {self._events:,} events …"):
                events_in = await _seconds(settings, requests, _BATCHES_AT_ONCE, 202)
        self._sent += self._events
        if await bed.records_in(_NAME, CHANNEL_EVENTS) != before + len(webhooks) + self._events:
            raise BenchmarkFailed("the log has not what was accepted")
        return {
            "webhooks_per_s": median(one.rate for one in ours),
            "bare_webhooks_per_s": median(one.rate for one in theirs),
            "webhook_cpu_us": median(one.cpu_us for one in ours),
            "bare_webhook_cpu_us": median(one.cpu_us for one in theirs),
            "ingest_events_per_s": self._events / events_in,
        }

    @property
    def _events(self) -> int:
        return max(_BATCH, self._size.events // 2 // _BATCH * _BATCH)

    def _webhooks(self) -> list[bytes]:
        number = max(_LEAST, self._size.events // _WEBHOOKS_SHARE)
        self._sent += number
        return [webhook(event, uid_of(event % self._size.contacts)) for event in range(self._sent - number, self._sent)]

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load."""
        return {
            "webhooks": max(_LEAST, self._size.events // _WEBHOOKS_SHARE),
            "ingest_events": self._events,
            "connections": _AT_ONCE,
        }


class _Server(NamedTuple):
    settings: Settings
    process: Process


class _Turn(NamedTuple):
    """The webhooks a second, and the processor time of one in µs."""

    rate: float
    cpu_us: float


async def _in_turn(webhooks: list[bytes], ours: _Server, bare: _Server) -> tuple[list[_Turn], list[_Turn]]:
    """Send every webhook to both, in turns; return those of each after the warm-up."""
    parts = [webhooks[turn::_TURNS] for turn in range(_TURNS)]
    turns = [(await _turn(ours, part), await _turn(bare, part)) for part in parts]
    return [one for one, _ in turns[1:]], [one for _, one in turns[1:]]


async def _turn(server: _Server, webhooks: list[bytes]) -> _Turn:
    before = _cpu_seconds(server.process)
    seconds = await _seconds(server.settings, webhooks, _AT_ONCE, 200)
    return _Turn(len(webhooks) / seconds, (_cpu_seconds(server.process) - before) / len(webhooks) * 1e6)


def _cpu_seconds(process: Process) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


async def _seconds(settings: Settings, requests: list[bytes], at_once: int, status: int) -> float:
    async with callers(settings.port, at_once) as made:
        began = time.perf_counter()
        await send_all(made, requests, status)
        return time.perf_counter() - began
