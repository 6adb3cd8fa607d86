"""Faust by the chunk: a transport that hands agents the records of one partition from one fetch as one event.

Registered as ``chunked`` under Faust's own ``faust.transports`` entry point, so an app asks for it by URL
(``chunked://host:port``) and its agents stay ordinary: ``async for chunk in stream``. Offsets are not Faust's business
here: when partitions are assigned, an ``OffsetKeeper`` says where to read on and under which epoch, and each chunk
carries both, so that whoever saves its rows can move the offset in the same transaction, or find that it may not.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn, Protocol, cast

import faust
import structlog
from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from projections.engine.offsets import Ownership
from services.worker.chunk import Chunk

log = structlog.get_logger(__name__)
_ASK_AGAIN: Final = 1.0
_SURE_AFTER: Final = 4
_WAIT: Final = 0.05  # at most, for news and for records


class OffsetKeeper(Protocol):
    """Who knows how far each partition has been folded."""

    async def take(self, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
        """Become the partitions' owner. May wait for its store to come back; what it raises ends the worker."""


class ChunkedApp(faust.App):
    """An app whose offsets are kept elsewhere."""

    offset_keeper: OffsetKeeper
    chunk_records: int


class ChunkSchema(faust.Schema[Any, Any]):
    """Chunks are made by the consumer and need no decoding."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """A chunk has no key: its records have."""
        return None

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The chunk itself."""
        return message.value


class LogTruncated(Exception):
    """The log no longer holds the records at which the rows end: it is not the log that they were folded from."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's, but for how long a fetch waits for news.

    A fetch leaves out the partitions whose records nobody has taken yet, and aiokafka has one under way a broker: so a
    busy partition beside idle ones waits for the idle ones' news. Faust has that take a second and a half.
    """

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = int(_WAIT * 1000)  # noqa: SLF001 - Faust has no setting for it
        return consumer


class Consumer(driver.Consumer):
    """Faust's consumer, with a fetch's records of one partition as one message, and offsets kept elsewhere.

    Whatever Faust or aiokafka do around a rebalance, a chunk begins exactly where the one before it ended: records that
    were fetched and not handed on are noticed by the gap that they leave, and fetched again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owned: dict[TP, Ownership] = {}
        self._position: dict[TP, int] = {}
        self._doubted: dict[TP, int] = {}
        self._kept_back: set[TP] = set()
        self._taken = False
        self._taking = asyncio.Lock()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def stop_flow(self) -> None:
        """A rebalance begins: what is ours is decided anew."""
        self._taken = False
        super().stop_flow()

    async def perform_seek(self) -> None:
        """Take the assigned partitions and read on from where their keeper says.

        Faust calls this at the end of every rebalance, for all that is assigned: so whatever was fetched or
        half-way through an agent before is of an older epoch from here on, and is read again.
        """
        async with self._taking:
            self._taken = False
            assigned = self.assignment()
            keeper = cast("ChunkedApp", self.app).offset_keeper
            owned: dict[TP, Ownership] = {}
            for topic in sorted({tp.topic for tp in assigned}):
                taken = await keeper.take(topic, [tp.partition for tp in assigned if tp.topic == topic])
                owned |= {TP(topic, partition): ownership for partition, ownership in taken.items()}
            starts = {tp: ownership.next_offset for tp, ownership in owned.items()}
            await self._require_in_log(starts)
            await self.seek_wait(starts)
            self._read_offset.update(dict.fromkeys(starts))
            self._owned, self._position, self._doubted = owned, starts, {}
            self._taken = True

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        """What was fetched, in chunks.

        Waits briefly, whatever Faust asks for: of a partition that was paused for being ahead of its agent, records may
        be there when it is resumed, and nothing would wake who waits for any.

        Faust's own method, when a rebalance begins while it waits, seeks: that would take partitions which are just
        being given to another worker, and lock it out.
        """
        if self.flow_active and not self._taken:  # Faust waits only so long for `perform_seek`, and then goes on
            with contextlib.suppress(IllegalStateError):  # the next rebalance has begun
                await self.perform_seek()
        await self._go_back()
        owned = self._owned
        records, _ = await self._wait_next_records(min(timeout, _WAIT))
        for tp, piece in in_turns(records or {}, cast("ChunkedApp", self.app).chunk_records):
            if tp not in self._kept_back and self._may_hand_on(tp, owned) and await self._is_next(tp, piece):
                yield tp, self._to_message(tp, self._chunk(tp, piece))
            else:
                self._kept_back.add(tp)

    async def _go_back(self) -> None:
        """Have fetched again what was not handed on: if nothing comes after it, no gap would ever tell."""
        if self._taken and self._kept_back:
            with contextlib.suppress(IllegalStateError):  # the next rebalance has begun
                await self.seek_wait({tp: self._position[tp] for tp in self._kept_back if tp in self._owned})
                self._kept_back.clear()

    def _may_hand_on(self, tp: TP, owned: dict[TP, Ownership]) -> bool:
        """Not what was fetched under an ownership that is gone, or of a partition that was paused meanwhile."""
        current = self._owned is owned and self._taken and self.flow_active
        return current and tp in owned and tp not in self._paused_partitions

    async def _is_next(self, tp: TP, records: list[Any]) -> bool:
        """Whether the records go on where the last chunk ended; if not they are read again.

        A gap that is still there then is in the log itself (the markers of transactions take offsets).
        """
        start, first = self._position[tp], records[0].offset
        if first < start:  # aiokafka was told by Kafka that there is no such offset, and began anew
            await self._lost(f"{_name(tp)} is folded up to {start}, and its log begins anew at {first}")
        if first > start and self._doubted.get(tp) != start:
            self._doubted[tp] = start
            with contextlib.suppress(IllegalStateError):  # not ours any more
                await self.seek_wait({tp: start})
            return False
        return True

    def _chunk(self, tp: TP, records: list[Any]) -> Chunk:
        start, end = self._position[tp], records[-1].offset + 1
        self._position[tp] = end
        return Chunk(tp.topic, tp.partition, start, end, self._owned[tp], records)

    async def _require_in_log(self, starts: Mapping[TP, int]) -> None:
        """Raises LogTruncated where the log can't be read on from."""
        for attempt in range(_SURE_AFTER):  # a broker that has just taken over may not know the end at once
            first, end = await self._log_bounds(starts) if starts else ({}, {})
            outside = [tp for tp, start in starts.items() if not first[tp] <= start <= end[tp]]
            if not outside:
                return
            await asyncio.sleep(_ASK_AGAIN * attempt)
        tp = outside[0]
        await self._lost(f"{_name(tp)} is folded up to {starts[tp]}, and its log has {first[tp]} to {end[tp]}")

    async def _log_bounds(self, partitions: Iterable[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """The first and the next offset of each; waits while Kafka is away."""
        while True:
            try:
                return await self.earliest_offsets(*partitions), await self.highwaters(*partitions)
            except KafkaError as error:
                log.warning("server_away", server="kafka", error=type(error).__name__)
                await asyncio.sleep(_ASK_AGAIN)

    async def _lost(self, detail: str) -> NoReturn:
        error = LogTruncated(detail)
        await self.app.crash(error)
        raise error

    def fenced(self, tp: TP, epoch: int) -> None:
        """A chunk of this epoch was refused.

        In a rebalance that is as it should be. But if nobody told us that the partition is another's, we were out of
        touch for long, or another who was has taken it late: joining the group anew gives each partition one owner.
        """
        owned = self._owned.get(tp)
        if self._taken and self.flow_active and owned is not None and owned.epoch == epoch:
            rejoin = self._thread._ensure_consumer()._coordinator.request_rejoin  # noqa: SLF001 - there is no public way
            self._thread.thread_loop.call_soon_threadsafe(rejoin)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        chunk: Chunk = record
        last: Any = chunk.records[-1] if chunk.records else None
        return ConsumerMessage(
            chunk.topic,
            chunk.partition,
            chunk.end - 1,
            last.timestamp / 1000.0 if last else 0.0,
            last.timestamp_type if last else 0,
            [],
            None,
            cast("Any", chunk),
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    @property
    def positions(self) -> dict[TP, int]:
        """The next offset to read, of every partition that is read."""
        active = self._get_active_partitions() if self._owned else set()
        return {tp: at for tp, at in self._position.items() if tp in active}

    async def hint(self, offsets: dict[TP, int]) -> None:
        """Tell Kafka how far we are: for lag dashboards, never read back. Raises what aiokafka raises."""
        held = self.assignment()
        known = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in held}
        if known:  # Faust's own way to commit ends the worker if Kafka is away
            await self._thread.call_thread(self._thread._ensure_consumer().commit, known)  # noqa: SLF001 - as above


def in_turns(records: Mapping[TP, Sequence[Any]], size: int) -> Iterator[tuple[TP, list[Any]]]:
    """The records in pieces of at most ``size``, the partitions taking turns: pieces of two can be folded at once."""
    for start in range(0, max(map(len, records.values()), default=0), size):
        for tp, found in records.items():
            if start < len(found):
                yield tp, list(found[start : start + size])


class Transport(driver.Transport):
    """Faust's Kafka transport with the chunked consumer."""

    Consumer: ClassVar[type[driver.Consumer]] = Consumer


def _name(tp: TP) -> str:
    return f"partition {tp.partition} of {tp.topic}"
