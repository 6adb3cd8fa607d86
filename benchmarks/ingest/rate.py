"""The rates that one ingress process accepts: webhooks of one event, and events in batches of a hundred.

The webhooks are sent to the bare reference, too, in the same round.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.bed import Bed
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.ingest.bare import BARE
from benchmarks.ingest.caller import callers, send_all
from benchmarks.ingest.requests import batches, uid_of, webhook
from benchmarks.ingest.service import INGRESS, prepared, serving
from schemas.topics import CHANNEL_EVENTS
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
    Figure("ingest_events_per_s", "events in batches of 100", "events/s", at_least=15_000),
)
_NAME: Final = "ingest"
_BARE: Final = "ingest-bare"
_WEBHOOKS_SHARE: Final = 10  # of the events' number
_BATCH: Final = 100
_AT_ONCE: Final = 64
_BATCHES_AT_ONCE: Final = 8
_WARM_UP: Final = 20  # a share of the webhooks, sent before the clock starts


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
        async with serving(bed, settings, INGRESS):
            with bed.console.status(f"round {number + 1}: {len(webhooks):,} webhooks …"):
                webhooks_rate = await _rate(settings, webhooks)
            with bed.console.status(f"round {number + 1}: {self._events:,} events …"):
                events_in = await _seconds(settings, requests, _BATCHES_AT_ONCE, 202)
        with bed.console.status(f"round {number + 1}: the bare reference …"):
            bare = settings.model_copy(update={"topic_prefix": _BARE})
            async with serving(bed, bare, BARE):
                bare_rate = await _rate(bare, webhooks)
        self._sent += self._events
        if await bed.records_in(_NAME, CHANNEL_EVENTS) != before + len(webhooks) + self._events:
            raise BenchmarkFailed("the log has not what was accepted")
        return {
            "webhooks_per_s": webhooks_rate,
            "bare_webhooks_per_s": bare_rate,
            "ingest_events_per_s": self._events / events_in,
        }

    @property
    def _events(self) -> int:
        return max(_BATCH, self._size.events // 2 // _BATCH * _BATCH)

    def _webhooks(self) -> list[bytes]:
        number = max(_WARM_UP, self._size.events // _WEBHOOKS_SHARE)
        self._sent += number
        return [webhook(event, uid_of(event % self._size.contacts)) for event in range(self._sent - number, self._sent)]

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load."""
        return {
            "webhooks": max(_WARM_UP, self._size.events // _WEBHOOKS_SHARE),
            "ingest_events": self._events,
            "connections": _AT_ONCE,
        }


async def _rate(settings: Settings, webhooks: list[bytes]) -> float:
    """Return the webhooks a second after a warm-up."""
    warm_up = len(webhooks) // _WARM_UP
    await _seconds(settings, webhooks[:warm_up], _AT_ONCE, 200)
    return (len(webhooks) - warm_up) / await _seconds(settings, webhooks[warm_up:], _AT_ONCE, 200)


async def _seconds(settings: Settings, requests: list[bytes], at_once: int, status: int) -> float:
    async with callers(settings.port, at_once) as made:
        began = time.perf_counter()
        await send_all(made, requests, status)
        return time.perf_counter() - began
