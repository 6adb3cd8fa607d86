"""Whether a value that a hundred thousand contacts hold delays other contacts.

Two deployments have equally many contacts. In one, the *hub*, most gave the same e-mail address; in the other, the
*calm*, each gave its own. Both are then sent the same stream in turns of a few seconds: every 10 ms some new contacts
that give the address (or their own), and as many *others*, new contacts that log in as members without that address.
Measured is how long the others take from being sent to Kafka until their row of identity is visible, which is polled.
The two streams differ only in the address.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer

from benchmarks.bed import Bed, KeyAndValue, connected, generation_of, reading, require_running
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.identity.households import TENANT
from benchmarks.worker import Watch, rest, seconds_to_fold, watching, working
from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from schemas.topics import IDENTITY_EVIDENCE
from services.embedded.process import Process
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("calm_p99_ms", "evidence in → visible, p99, without the hub", "ms"),
    Figure("hub_p99_ms", "… of others, beside the hub", "ms"),
    Figure("hub_p99_ratio", "beside the hub", "times", at_most=1.2, ratio=Ratio("hub_p99_ms", "calm_p99_ms")),
)
_HUB_EMAIL: Final = "info@shop.example.com"
_HOLDERS: Final = 5  # times --contacts
_START_MS: Final = 1_780_000_000_000
_TICK: Final = 0.01
_EACH_A_TICK: Final = 4  # for the hub, and as many others: 800 events a second
_TURN: Final = 4.0
_WARM_UP: Final = _TURN  # the first side's pages may no longer be in PostgreSQL's memory
_LOOK_EVERY: Final = 0.003
_SEEN_WITHIN: Final = 60.0
_SEEN: Final = """
SELECT contact_id FROM members WHERE tenant = $1 AND resolution_id = 'default' AND contact_id = ANY($2::uuid[])
"""


class Arrivals:
    """Evidence of new contacts, one after the other. ``hub``: whether all give the same address."""

    def __init__(self, *, hub: bool, members: int) -> None:
        self._hub = hub
        self._members = members
        self._numbers = count()

    def known(self, holders: int) -> Iterator[KeyAndValue]:
        """Yield what is known beforehand: one contact a member, and ``holders`` contacts that give the address."""
        for number in range(self._members):
            yield self.other(number)[1]
        for _ in range(holders):
            yield self.one_more()

    def one_more(self) -> KeyAndValue:
        """Return the record of a contact that gives the address."""
        number = next(self._numbers)
        email = _HUB_EMAIL if self._hub else f"c{number}@mail.example.com"
        return _login(number, {"type": "email", "value": email, "assurance": "claimed"})[1]

    def other(self, member: int | None = None) -> tuple[str, KeyAndValue]:
        """Return the key and the record of a contact that logs in as a member."""
        number = next(self._numbers)
        value = f"M{number % self._members if member is None else member}"
        return _login(number, {"type": "member_id", "value": value, "assurance": "verified"})


def _login(number: int, identifier: dict[str, str]) -> tuple[str, KeyAndValue]:
    event = {
        "event_id": f"bench:{number}",
        "tenant": TENANT,
        "contact": {"channel": "web", "account": "shop", "uid": f"c{number}"},
        "type": "identity.bound",
        "occurred_at": _START_MS + number,
        "received_at": _START_MS + number,
        "source": "bench",
        "data": {"identifiers": [identifier], "via": "login"},
    }
    return f"web:shop:c{number}", (TENANT.encode(), orjson.dumps(event))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that this share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(slots=True)
class VisibilityDelays:
    """The times at which others were sent, and after how many seconds they were visible."""

    connection: Connection
    identify: IdOf
    sent: dict[UUID, float] = field(default_factory=dict)
    taken: list[float] = field(default_factory=list)

    def expect(self, contact: str) -> None:
        """Note that the contact is sent now."""
        self.sent[self.identify(TENANT, contact)] = time.perf_counter()

    async def look(self) -> None:
        """Poll for all that were not visible yet, until cancelled."""
        query = await self.connection.prepare(_SEEN)
        while True:
            if self.sent:
                seen = await query.fetch(TENANT, list(self.sent))
                now = time.perf_counter()
                self.taken += [now - self.sent.pop(contact_id) for (contact_id,) in seen]
            await asyncio.sleep(_LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment to which the stream is sent."""

    settings: Settings
    arrivals: Arrivals
    process: Process
    producer: AIOKafkaProducer
    visibility: VisibilityDelays

    async def turn(self, seconds: float) -> None:
        """Send the stream for so many seconds; return once all others are visible."""
        began = time.perf_counter()
        for tick in range(round(seconds / _TICK)):
            await asyncio.sleep(began + tick * _TICK - time.perf_counter())
            for _ in range(_EACH_A_TICK):
                contact, record = self.arrivals.other()
                await self._send(self.arrivals.one_more())
                self.visibility.expect(contact)
                await self._send(record)
        await self.producer.flush()
        while self.visibility.sent:
            await asyncio.sleep(_LOOK_EVERY)
            require_running(self.process)
            if time.perf_counter() - began > seconds + _SEEN_WITHIN:
                raise BenchmarkFailed(
                    f"{len(self.visibility.sent)} contacts are not visible {_SEEN_WITHIN:.0f} s later"
                )

    async def _send(self, record: KeyAndValue) -> None:
        key, value = record
        await self.producer.send(IDENTITY_EVIDENCE.full_name(self.settings.topic_prefix), key=key, value=value)


class Hub:
    """See the module."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)
        self._known: dict[str, tuple[Settings, Arrivals]] = {}

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Make the two deployments with their contacts."""
        self._size = size
        for name in ("hub", "calm"):
            settings = await bed.lasting_generation(name, f"bench-{name}")
            self._known[name] = settings, Arrivals(hub=name == "hub", members=size.contacts)
        for settings, arrivals in self._known.values():
            with bed.console.status(f"Resolving {(_HOLDERS + 1) * size.contacts:,} contacts, to begin with …"):
                known = arrivals.known(_HOLDERS * size.contacts)
                await bed.fill_log(settings.topic_prefix, known, IDENTITY_EVIDENCE)
                await seconds_to_fold(bed, settings)
            await rest(settings)

    async def measure(self, bed: Bed, number: int) -> Round:
        """Send the stream to both in turns, each round beginning with another one."""
        async with contextlib.AsyncExitStack() as stack:
            sides = {name: await stack.enter_async_context(_open(bed, *known)) for name, known in self._known.items()}
            order = list(sides.values())[:: -1 if number % 2 else 1]
            async with connected(bed.settings.database_url) as connection:
                await connection.execute("CHECKPOINT")  # else the WAL has the pages of the latest side only
            for side in order:
                await side.turn(_WARM_UP)
                side.visibility.taken.clear()
            for _ in range(self._turns()):
                for side in order:
                    with bed.console.status(f"Others' evidence, {generation_of(side.settings)} …"):
                        await side.turn(_TURN)
            found = {f"{name}_p99_ms": percentile(side.visibility.taken, 0.99) * 1000 for name, side in sides.items()}
        for settings, _ in self._known.values():
            await self._check(bed, settings, last=number == self._size.rounds - 1)
        return found

    def _turns(self) -> int:
        """Turns of each side a round: five with the default size."""
        return max(1, self._size.events // 40_000)

    async def _check(self, bed: Bed, settings: Settings, *, last: bool) -> None:
        await seconds_to_fold(bed, settings)  # the rest of the stream
        async with reading(settings) as connection:
            await require_evidence_balance(connection, await bed.records_in(settings.topic_prefix, IDENTITY_EVIDENCE))
        if last:
            await require_membership(settings, IDENTITY_EVIDENCE)

    def facts(self) -> Mapping[str, object]:
        """The size of the hub, and how many others are measured a round."""
        a_second = round(1 / _TICK) * _EACH_A_TICK
        measured = self._turns() * round(_TURN * a_second)
        return {
            "hub_contacts": _HOLDERS * self._size.contacts,
            "hub_others": measured,
            "hub_events_per_s": 2 * a_second,
        }


@contextlib.asynccontextmanager
async def _open(bed: Bed, settings: Settings, arrivals: Arrivals) -> AsyncIterator[Deployment]:
    async with watching(settings) as watch, reading(settings) as connection, _producer(settings) as producer:
        visibility = VisibilityDelays(connection, id_of(settings.master_key))
        with working(bed, settings) as process:
            await _ready(watch, process)
            looking = asyncio.create_task(visibility.look())
            try:
                yield Deployment(settings, arrivals, process, producer, visibility)
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)


async def _ready(watch: Watch, process: Process) -> None:
    before = watch.at.taken
    await watch.until(process, lambda at: at.taken > before)


@contextlib.asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, acks="all")
    async with producer:
        yield producer
