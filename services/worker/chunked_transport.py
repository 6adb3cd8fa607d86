"""A Faust transport that hands agents one chunk, the records of one partition from one fetch, as one event.

It is registered as ``chunked`` under Faust's own ``faust.transports`` entry point: an app asks for it by URL
(``chunked://host:port``), and its agents stay ordinary: ``async for chunk in stream``. Offsets are kept outside Faust:
when partitions are assigned, an ``OffsetKeeper`` says from which offset to read and under which epoch. Each chunk
carries both, so its rows and the new offset can be saved in one transaction, or refused if the partition was lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn, Protocol, cast

import faust
import structlog
from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from projections.engine.holds import OffsetHold, allows
from projections.engine.offsets import Ownership
from services.worker.core.chunk import Chunk
from services.worker.ports import LogTruncated
from services.worker.reading_ahead import FETCH_WAIT, ConsumerThread

log = structlog.get_logger(__name__)
_RETRY_AFTER: Final = 1.0  # seconds
_BOUNDS_ATTEMPTS: Final = 4
_WHAT_TO_DO: Final = (
    ". Restore Kafka to a later point; or, with files of `onefold log export`, make the topic anew by `onefold log "
    "import DIR`; or fold what is left into an empty generation: `onefold migrate --fresh`"
)


class OffsetKeeper(Protocol):
    """Keeps the offset and the epoch of each partition."""

    async def acquire(self, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
        """Become the owner of the partitions. May wait for its store; an exception ends the worker."""


class ChunkedApp(faust.App):
    """An app whose offsets are kept by an OffsetKeeper.

    ``chunk_records`` is the most records of a chunk. Records beyond the ``hold`` are not handed on. ``require_topics``
    raises LogTruncated if the topics are not those that were folded.
    """

    offset_keeper: OffsetKeeper
    chunk_records: int
    hold: OffsetHold | None = None
    require_topics: Callable[[], Awaitable[None]] | None = None

    def _create_directories(self) -> None:
        """Make none: Faust's tables are not used, so nothing is written to its folders."""


class ChunkSchema(faust.Schema[Any, Any]):
    """The consumer makes the chunks, so nothing has to be decoded."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """None: the records of a chunk have keys, the chunk has none."""
        return None

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The chunk itself."""
        return message.value


class Consumer(driver.Consumer):
    """Faust's consumer: the records of one partition from one fetch are one message; offsets are kept outside.

    Invariant: a chunk begins exactly where the chunk before it ended, whatever Faust or aiokafka do in a rebalance.
    Records that were fetched but not handed on leave a gap; the gap is noticed, and they are fetched again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owned: dict[TP, Ownership] = {}
        self._position: dict[TP, int] = {}
        self._checked_gaps: dict[TP, int] = {}
        self._held_back: set[TP] = set()
        self._acquired = False
        self._acquiring = asyncio.Lock()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def stop_flow(self) -> None:
        """A rebalance begins: the assignment may change."""
        self._acquired = False
        super().stop_flow()

    async def perform_seek(self) -> None:
        """Acquire the assigned partitions and read on from the offsets of their keeper.

        Faust calls this at the end of every rebalance, for all assigned partitions: what was fetched or half-way
        through an agent before belongs to an older epoch from here on, and is read again.
        """
        async with self._acquiring:
            self._acquired = False
            assigned = self.assignment()
            keeper = cast("ChunkedApp", self.app).offset_keeper
            await self._require_topics()
            owned: dict[TP, Ownership] = {}
            for topic in sorted({tp.topic for tp in assigned}):
                acquired = await keeper.acquire(topic, [tp.partition for tp in assigned if tp.topic == topic])
                owned |= {TP(topic, partition): ownership for partition, ownership in acquired.items()}
            starts = {tp: ownership.next_offset for tp, ownership in owned.items()}
            await self._require_in_log(starts)
            await self.seek_wait(starts)
            self._read_offset.update(dict.fromkeys(starts))
            self._owned, self._position, self._checked_gaps = owned, starts, {}
            self._acquired = True

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """The fetched records, in chunks.

        Waits briefly, whatever ``timeout`` is: records of a partition that was paused because its agent was behind may
        be there already when it is resumed, and nothing would wake a longer wait.

        Faust's own method seeks when a rebalance begins while it waits. Here that would acquire partitions that are
        just moving to another worker, and fence that worker.
        """
        if self.flow_active and not self._acquired:  # Faust gives up waiting for `perform_seek` after a while
            with contextlib.suppress(IllegalStateError):  # the next rebalance has begun
                await self.perform_seek()
        await self._seek_back()
        owned = self._owned
        records, _ = await self._wait_next_records(min(timeout, FETCH_WAIT))
        for tp, piece in in_turns(records or {}, cast("ChunkedApp", self.app).chunk_records):
            allowed = self._before_hold(tp, piece)
            may = bool(allowed) and tp not in self._held_back and self._may_hand_on(tp, owned)
            if may and await self._is_next(tp, allowed):
                yield tp, self._to_message(tp, self._chunk(tp, allowed))
                if len(allowed) == len(piece):
                    continue
            self._held_back.add(tp)

    async def _seek_back(self) -> None:
        """Fetch again what was held back. Without later records no gap would ever show that it is missing."""
        again = {tp for tp in self._held_back if not self._is_held(tp)}
        if self._acquired and again:
            with contextlib.suppress(IllegalStateError):  # the next rebalance has begun
                await self.seek_wait({tp: self._position[tp] for tp in again if tp in self._owned})
                self._held_back -= again

    def _is_held(self, tp: TP) -> bool:
        """Whether no record of the partition may be handed on before the hold is moved."""
        end = allows(cast("ChunkedApp", self.app).hold, *tp)
        return end is not None and tp in self._position and self._position[tp] >= end

    def _before_hold(self, tp: TP, records: list[Any]) -> list[Any]:
        """The records that may be handed on."""
        end = allows(cast("ChunkedApp", self.app).hold, *tp)
        return records if end is None else [one for one in records if one.offset < end]

    def _may_hand_on(self, tp: TP, owned: dict[TP, Ownership]) -> bool:
        """False for records fetched under an older ownership, or of a partition that was paused meanwhile."""
        current = self._owned is owned and self._acquired and self.flow_active
        return current and tp in owned and tp not in self._paused_partitions

    async def _is_next(self, tp: TP, records: list[Any]) -> bool:
        """Whether the records begin where the last chunk ended. If not, they are read again, once.

        A gap that is still there then is in the log itself: transaction markers take offsets, too.
        """
        start, first = self._position[tp], records[0].offset
        if first < start:  # the offset is not in the log, so aiokafka began at its start
            await self._log_truncated(
                f"{_name(tp)} is folded up to {start}, and its log begins anew at {first}{_WHAT_TO_DO}"
            )
        if first > start and self._checked_gaps.get(tp) != start:
            self._checked_gaps[tp] = start
            with contextlib.suppress(IllegalStateError):  # the partition is not assigned any more
                await self.seek_wait({tp: start})
            return False
        return True

    def _chunk(self, tp: TP, records: list[Any]) -> Chunk:
        start, end = self._position[tp], records[-1].offset + 1
        self._position[tp] = end
        return Chunk(tp.topic, tp.partition, start, end, self._owned[tp], records)

    async def _require_topics(self) -> None:
        require = cast("ChunkedApp", self.app).require_topics
        try:
            if require is not None:
                await require()
        except LogTruncated as error:
            await self.app.crash(error)
            raise

    async def _require_in_log(self, starts: Mapping[TP, int]) -> None:
        """Raises LogTruncated if a partition's log does not hold its offset."""
        for attempt in range(_BOUNDS_ATTEMPTS):  # a broker that has just taken over may not know the end at once
            first, end = await self._log_bounds(starts) if starts else ({}, {})
            outside = [tp for tp, start in starts.items() if not first[tp] <= start <= end[tp]]
            if not outside:
                return
            await asyncio.sleep(_RETRY_AFTER * attempt)
        tp = outside[0]
        await self._log_truncated(
            f"{_name(tp)} is folded up to {starts[tp]}, and its log has {first[tp]} to {end[tp]}{_WHAT_TO_DO}"
        )

    async def _log_bounds(self, partitions: Iterable[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """The first offset of each partition and the one after its last; waits while Kafka is away."""
        while True:
            try:
                return await self.earliest_offsets(*partitions), await self.highwaters(*partitions)
            except KafkaError as error:
                log.warning("server_away", server="kafka", error=type(error).__name__)
                await asyncio.sleep(_RETRY_AFTER)

    async def _log_truncated(self, detail: str) -> NoReturn:
        error = LogTruncated(detail)
        await self.app.crash(error)
        raise error

    def rejoin_if_owned(self, tp: TP, epoch: int) -> None:
        """A chunk of this epoch was fenced: join the group again if the partition still seems to be ours.

        In a rebalance a fenced chunk is normal. Without one, this worker, or the one that fenced it, has lost touch
        with the group: joining again gives each partition one owner.
        """
        owned = self._owned.get(tp)
        if self._acquired and self.flow_active and owned is not None and owned.epoch == epoch:
            rejoin = self._thread._ensure_consumer()._coordinator.request_rejoin
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
    def starts(self) -> dict[TP, int]:
        """The offset from which each partition was acquired, of every partition that is read.

        One whose agent is behind is read, too: Faust fetches no more of it until the agent has taken its chunks.
        """
        read = self.assignment() - self._paused_partitions if self._owned else set()
        return {tp: one.next_offset for tp, one in self._owned.items() if tp in read}

    async def commit_hint(self, offsets: dict[TP, int]) -> None:
        """Commit the offsets to Kafka for lag dashboards; they are never read back. Raises what aiokafka raises."""
        held = self.assignment()
        known = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in held}
        if known:  # Faust's own commit ends the worker if Kafka is away
            await self._thread.call_thread(self._thread._ensure_consumer().commit, known)


def in_turns(records: Mapping[TP, Sequence[Any]], size: int) -> Iterator[tuple[TP, list[Any]]]:
    """The records in pieces of at most ``size``. Partitions take turns, so that two can be folded at the same time."""
    for start in range(0, max(map(len, records.values()), default=0), size):
        for tp, found in records.items():
            if start < len(found):
                yield tp, list(found[start : start + size])


class Transport(driver.Transport):
    """Faust's Kafka transport with the chunked consumer."""

    Consumer: ClassVar[type[driver.Consumer]] = Consumer


def _name(tp: TP) -> str:
    return f"partition {tp.partition} of {tp.topic}"
