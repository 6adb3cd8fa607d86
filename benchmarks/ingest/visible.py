"""The time from sending a webhook until the query API shows its contact, at 1,000 events a second.

Every 10 ms ten webhooks are sent, whether or not earlier ones were answered, to the service as `onefold up` runs it:
one HTTP process and one worker. They are of contacts that were seen during the warm-up, but every fiftieth is of a new
contact, which is read every ten milliseconds until it is there.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from benchmarks.bed import Bed
from benchmarks.figures import BenchmarkFailed, Figure, Round, Size
from benchmarks.identity.hub import percentile
from benchmarks.ingest.caller import Caller, callers, request
from benchmarks.ingest.requests import ACCOUNT, uid_of, webhook
from benchmarks.ingest.service import ONE_PORT, prepared, serving
from benchmarks.worker import watching, working
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("visible_p50_ms", "webhook in → visible, p50", "ms", at_most=60),
    Figure("visible_p99_ms", "webhook in → visible, p99", "ms", at_most=250),
)
_NAME: Final = "visible"
_TICK: Final = 0.01
_EACH_A_TICK: Final = 10
_PROBE_EVERY: Final = 50
_SECONDS: Final = 20
_WARM_UP: Final = 4
_WRITING: Final = 10  # one of this many contacts sends messages
_SENDERS: Final = 128
_LOOKERS: Final = 8
_LOOK_EVERY: Final = 0.01
_WITHIN: Final = 30.0
_NEWCOMERS: Final = 1 << 40  # uids from here on are of new contacts


class Visible:
    """See the module."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)
        self._settings: Settings | None = None
        self._key = ""
        self._sent = 0
        self._probes = 0

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Make a brand and its account."""
        self._size = size
        self._settings, self._key = await prepared(bed, _NAME)

    async def measure(self, bed: Bed, number: int) -> Round:
        """Send the stream for some seconds, after a warm-up."""
        settings = self._settings
        if settings is None:
            raise BenchmarkFailed("prepare comes first")
        async with serving(bed, settings, ONE_PORT), watching(settings) as watch:
            with working(bed, settings) as process, bed.console.status(f"round {number + 1}: {_SECONDS} s …"):
                before = watch.at
                await watch.until(process, lambda at: at.taken > before.taken)
                await self._stream(settings, _WARM_UP)
                taken = await self._stream(settings, _SECONDS)
        return {
            "visible_p50_ms": percentile(taken, 0.5) * 1000,
            "visible_p99_ms": percentile(taken, 0.99) * 1000,
        }

    async def _stream(self, settings: Settings, seconds: float) -> list[float]:
        """Return how long each probe took, in seconds."""
        loop = asyncio.get_running_loop()
        async with callers(settings.port, _SENDERS) as senders, callers(settings.port, _LOOKERS) as lookers:
            stream = _Stream(senders, lookers, self._key)
            began, ticks = loop.time(), int(seconds / _TICK)
            for tick in range(ticks):
                await asyncio.sleep(max(0.0, began + tick * _TICK - loop.time()))
                for _ in range(_EACH_A_TICK):
                    self._send_one(stream)
            async with asyncio.timeout(_WITHIN):
                await stream.done()
        return stream.taken

    def _send_one(self, stream: "_Stream") -> None:
        self._sent += 1
        if self._sent % _PROBE_EVERY:
            uid = uid_of(self._sent % (self._size.contacts // _WRITING))
            stream.send(webhook(self._sent, uid))
        else:
            self._probes += 1
            uid = uid_of(_NEWCOMERS + self._probes)
            stream.probe(webhook(self._sent, uid), uid)

    def facts(self) -> Mapping[str, object]:
        """The rate, and the number of probes."""
        return {"visible_at_events_per_s": round(_EACH_A_TICK / _TICK), "visible_probes": self._probes}


class _Stream:
    def __init__(self, senders: list[Caller], lookers: list[Caller], key: str) -> None:
        self._senders: asyncio.Queue[Caller] = asyncio.Queue()
        self._lookers: asyncio.Queue[Caller] = asyncio.Queue()
        for free, made in ((self._senders, senders), (self._lookers, lookers)):
            for one in made:
                free.put_nowait(one)
        self._headers = {"authorization": f"Bearer {key}"}
        self._tasks: set[asyncio.Task[None]] = set()
        self.taken: list[float] = []

    def send(self, one: bytes) -> None:
        self._start(self._accepted(one))

    def probe(self, one: bytes, uid: str) -> None:
        self._start(self._until_seen(one, uid, time.perf_counter()))

    async def done(self) -> None:
        await asyncio.gather(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))  # kept, so that failures are raised in the end

    async def _accepted(self, one: bytes) -> None:
        await self._called(self._senders, one, (200,))

    async def _until_seen(self, one: bytes, uid: str, began: float) -> None:
        sending = asyncio.ensure_future(self._accepted(one))
        look = request("GET", f"/v1/contacts/line/{ACCOUNT}/{uid}", self._headers)
        status = 0
        while status != 200:
            await asyncio.sleep(_LOOK_EVERY)
            status = await self._called(self._lookers, look, (200, 404, 503))
        self.taken.append(time.perf_counter() - began)
        await sending

    @staticmethod
    async def _called(free: asyncio.Queue[Caller], one: bytes, good: tuple[int, ...]) -> int:
        caller = await free.get()
        try:
            answer = await caller.call(one)
        finally:
            free.put_nowait(caller)
        if answer.status not in good:
            raise BenchmarkFailed(f"the service answered {answer.status}: {answer.body[:300]!r}")
        return answer.status
