"""The time from sending a webhook until the query API shows its contact, beside the bare round trip.

The rate is a fifth of what the HTTP process accepts, measured just before. It is kept whether or not earlier webhooks
were answered, by the service as `onefold up` runs it: one HTTP process and one worker. The webhooks are of contacts
that were seen before, but every fiftieth is of a new contact, which is read every ten milliseconds until it is there.
Then the reference has the same stream, see ``round_trip``. Of the same contacts it is measured when the customer rows
hold them, which searches, segments and counts read.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.bed import Bed
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.identity.hub import percentile
from benchmarks.ingest.caller import Caller, callers, request, send_all
from benchmarks.ingest.customer_rows import AwaitedRows, awaiting_rows
from benchmarks.ingest.pace import LOOK_EVERY, Tasks, send_at
from benchmarks.ingest.requests import ACCOUNT, uid_of, webhook
from benchmarks.ingest.round_trip import round_trips
from benchmarks.ingest.service import ONE_PORT, prepared, serving
from benchmarks.worker import watching, working
from schemas.topics import CHANNEL_EVENTS
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("visible_p50_ms", "webhook in → visible, p50", "ms"),
    Figure("visible_p99_ms", "webhook in → visible, p99", "ms"),
    Figure("round_trip_p50_ms", "the bare round trip, p50", "ms"),
    Figure("round_trip_p99_ms", "the bare round trip, p99", "ms"),
    Figure(
        "visible_p50_ratio",
        "p50 beside the bare round trip",
        "times its",
        at_most=3,
        ratio=Ratio("visible_p50_ms", "round_trip_p50_ms"),
    ),
    Figure(
        "visible_p99_ratio",
        "p99 beside the bare round trip",
        "times its",
        at_most=6,
        ratio=Ratio("visible_p99_ms", "round_trip_p99_ms"),
    ),
    Figure("rows_p50_ms", "webhook in → in customer rows, p50", "ms"),
    Figure("rows_p99_ms", "webhook in → in customer rows, p99", "ms"),
    Figure(
        "rows_p99_ratio",
        "p99 of customer rows beside that of the contact",
        "times its",
        at_most=3,
        ratio=Ratio("rows_p99_ms", "visible_p99_ms"),
    ),
    Figure("visible_at_webhooks_per_s", "the rate meanwhile", "webhooks/s"),
)
_NAME: Final = "visible"
_BARE: Final = "visible-bare"
_OF_RATE: Final = 0.2
_BURST: Final = 3_000  # webhooks by which the rate is measured
_PROBE_EVERY: Final = 50
_SECONDS: Final = 20
_WARM_UP: Final = 4
_WARMING_RATE: Final = 2_000.0  # records a second
_WRITING: Final = 10  # one of this many contacts sends messages
_SENDERS: Final = 64
_LOOKERS: Final = 8
_WITHIN: Final = 30.0
_NEWCOMERS: Final = 1 << 40  # uids from here on are of new contacts

SendWebhook = Callable[[int, str], None]  # the number of a webhook, and its user


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
        """Make a brand and its account. Have the broker compile its code, else what comes first would be slower."""
        self._size = size
        self._settings, self._key = await prepared(bed, _NAME)
        with bed.console.status("Warming the broker up …"):
            await self._bare(self._settings, _WARMING_RATE, _SECONDS)

    async def measure(self, bed: Bed, number: int) -> Round:
        """Measure the rate, then send the stream for some seconds to each, after a warm-up of each."""
        settings = self._settings
        if settings is None:
            raise BenchmarkFailed("prepare comes first")
        async with serving(bed, settings, ONE_PORT), watching(settings) as watch:
            with bed.console.status(f"round {number + 1}: {_BURST:,} webhooks …"):
                rate = _OF_RATE * await self._rate(settings)
            with working(bed, settings) as process, bed.console.status(f"round {number + 1}: {_SECONDS} s …"):
                accepted = await bed.records_in(_NAME, CHANNEL_EVENTS)
                await watch.until(process, lambda at: at.events == accepted)
                await self._webhooks(settings, rate, _WARM_UP)
                ours = await self._webhooks(settings, rate, _SECONDS)
        with bed.console.status(f"round {number + 1}: {_SECONDS} s of the bare round trip …"):
            await self._bare(settings, rate, _WARM_UP)
            bare = await self._bare(settings, rate, _SECONDS)
        return {
            "visible_p50_ms": percentile(ours.contacts, 0.5) * 1000,
            "visible_p99_ms": percentile(ours.contacts, 0.99) * 1000,
            "rows_p50_ms": percentile(ours.rows, 0.5) * 1000,
            "rows_p99_ms": percentile(ours.rows, 0.99) * 1000,
            "round_trip_p50_ms": percentile(bare, 0.5) * 1000,
            "round_trip_p99_ms": percentile(bare, 0.99) * 1000,
            "visible_at_webhooks_per_s": rate,
        }

    async def _rate(self, settings: Settings) -> float:
        webhooks = [webhook(event, self._writer(event)) for event in range(self._sent + 1, self._sent + 1 + _BURST)]
        self._sent += _BURST
        async with callers(settings.port, _SENDERS) as senders:
            await send_all(senders, webhooks[: _BURST // 3], 200)
            began = time.perf_counter()
            await send_all(senders, webhooks[_BURST // 3 :], 200)
            return (_BURST - _BURST // 3) / (time.perf_counter() - began)

    async def _webhooks(self, settings: Settings, rate: float, seconds: float) -> "_Taken":
        """Return how long each probe took."""
        async with (
            callers(settings.port, _SENDERS) as senders,
            callers(settings.port, _LOOKERS) as lookers,
            awaiting_rows(settings) as rows,
        ):
            stream = _Stream(senders, lookers, self._key, rows)
            await send_at(rate, seconds, lambda: self._send_one(stream.send, stream.probe))
            async with asyncio.timeout(_WITHIN):
                await stream.tasks.done()
                await rows.done()
        return _Taken(stream.taken, rows.taken)

    async def _bare(self, settings: Settings, rate: float, seconds: float) -> list[float]:
        """Return how long each probe took the reference, in seconds."""
        async with round_trips(settings, _BARE) as trips:

            def send(event: int, uid: str) -> None:
                trips.send(uid.encode(), webhook(event, uid))

            def probe(event: int, uid: str) -> None:
                trips.probe(uid.encode(), webhook(event, uid))

            await send_at(rate, seconds, lambda: self._send_one(send, probe))
            async with asyncio.timeout(_WITHIN):
                await trips.tasks.done()
        return trips.taken

    def _send_one(self, send: SendWebhook, probe: SendWebhook) -> None:
        self._sent += 1
        if self._sent % _PROBE_EVERY:
            send(self._sent, self._writer(self._sent))
        else:
            self._probes += 1
            probe(self._sent, uid_of(_NEWCOMERS + self._probes))

    def _writer(self, event: int) -> str:
        return uid_of(event % (self._size.contacts // _WRITING))

    def facts(self) -> Mapping[str, object]:
        """The number of probes."""
        return {"visible_probes": self._probes}


class _Taken(NamedTuple):
    """Seconds until each probe was visible as a contact, and until it was in the customer rows."""

    contacts: list[float]
    rows: list[float]


class _Stream:
    def __init__(self, senders: list[Caller], lookers: list[Caller], key: str, rows: AwaitedRows) -> None:
        self._senders: asyncio.Queue[Caller] = asyncio.Queue()
        self._lookers: asyncio.Queue[Caller] = asyncio.Queue()
        for free, made in ((self._senders, senders), (self._lookers, lookers)):
            for one in made:
                free.put_nowait(one)
        self._headers = {"authorization": f"Bearer {key}"}
        self._rows = rows
        self.tasks = Tasks()
        self.taken: list[float] = []

    def send(self, event: int, uid: str) -> None:
        self.tasks.start(self._accepted(webhook(event, uid)))

    def probe(self, event: int, uid: str) -> None:
        began = time.perf_counter()
        self._rows.expect(uid, began)
        self.tasks.start(self._until_seen(webhook(event, uid), uid, began))

    async def _accepted(self, one: bytes) -> None:
        await self._called(self._senders, one, (200,))

    async def _until_seen(self, one: bytes, uid: str, began: float) -> None:
        sending = asyncio.ensure_future(self._accepted(one))
        look = request("GET", f"/v1/contacts/line/{ACCOUNT}/{uid}", self._headers)
        status = 0
        while status != 200:
            await asyncio.sleep(LOOK_EVERY)
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
