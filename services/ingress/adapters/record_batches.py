"""Sends records to one topic in batches, and counts what of each request is acknowledged.

A record joins the batch that waits for its partition's turn. aiokafka would keep a future for each record, and one more
step of the event loop; here a batch has one, and every request one, however many records it has. aiokafka would also
have each partition's batch linger by itself, and send most of them in requests of their own; here they linger together.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from copy import copy
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.runtime.budget import BudgetLease
from services.runtime.cancelling import cancel_all


class Acks:
    """The acknowledgements of one request; when the last is in, or given up, its bytes go back to the budget.

    ``done`` is set then, unless the request stopped waiting before; it raises the first error.
    """

    __slots__ = ("_error", "_lease", "_missing", "_sealed", "done")

    def __init__(self, lease: BudgetLease) -> None:
        self._lease = lease
        self._missing = 1  # the request itself, until it sends no more
        self._sealed = False
        self._error: BaseException | None = None
        self.done: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()

    def expect(self) -> None:
        """Records of the request are in one more batch."""
        self._missing += 1

    def no_more(self) -> None:
        """All records are in batches, or no more will be. A second call changes nothing."""
        if not self._sealed:
            self._sealed = True
            self.came(None)

    def came(self, error: BaseException | None) -> None:
        """A batch was acknowledged, or given up because of the error."""
        self._error = self._error or error
        self._missing -= 1
        if self._missing:
            return
        self._lease.close()
        if self.done.done():  # the request has stopped waiting
            return
        if self._error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self._error)


class RecordBatches:
    """The batches that one producer has under way. Records of one partition keep their order.

    The first record that waits has the others wait with it, for ``linger`` seconds; the producer itself has to linger
    for none. A batch takes records until the producer sends it.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, linger: float) -> None:
        self._producer = producer
        self._topic = topic
        self._linger = linger
        self._last: dict[int, _Batch] = {}
        self._waiting: list[_Batch] = []
        self._timer: asyncio.TimerHandle | None = None
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sending: set[asyncio.Task[None]] = set()
        self._sent: set[_Batch] = set()

    @property
    def partitions(self) -> int:
        """The number of the topic's partitions. Raises KafkaError where it is not known any more."""
        found = self._producer.client.cluster.partitions_for_topic(self._topic)
        if not found:
            raise UnknownTopicOrPartitionError(self._topic)
        return len(found)

    def add(self, partition: int, key: bytes, value: bytes, acks: Acks) -> None:
        """Send a record; ``acks`` learns what became of it."""
        last = self._last.get(partition)
        if last is None or not last.take(key, value, acks):
            batch = self._last[partition] = _Batch(partition, self._producer.create_batch(), last)
            batch.take(key, value, acks)
            self._waiting.append(batch)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._linger, self._send_waiting)

    async def give_up(self) -> None:
        """Send nothing more: the producer is stopped, and what it has not acknowledged is not waited for."""
        if self._timer is not None:
            self._timer.cancel()
        await cancel_all(*self._sending)
        for batch in (*self._waiting, *self._sent):
            batch.came(KafkaError("given up"))
        self._waiting.clear()
        self._sent.clear()

    def _send_waiting(self) -> None:
        """Hand over what waits: all together, but for a batch that has to wait until its partition's last is in."""
        self._timer = None
        waiting, self._waiting = self._waiting, []
        ready = [batch for batch in waiting if batch.comes_next()]
        if ready:
            self._start(self._send(ready))
        for batch in waiting if len(ready) < len(waiting) else ():
            if not batch.comes_next():
                self._start(self._send_in_turn(batch))

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_in_turn(self, batch: "_Batch") -> None:
        self._sent.add(batch)  # it is given up with them, also if its turn has not come
        async with self._turns[batch.partition]:
            await self._send([batch])

    async def _send(self, batches: "list[_Batch]") -> None:
        self._sent.update(batches)
        for batch in batches:
            try:
                ack = await self._producer.send_batch(batch.builder, self._topic, partition=batch.partition)
            except Exception as error:  # noqa: BLE001 - whatever it is, the requests have to learn of it
                self._came(batch, error)
            else:
                ack.add_done_callback(partial(self._answered, batch))

    def _answered(self, batch: "_Batch", ack: "asyncio.Future[Any]") -> None:
        self._came(batch, KafkaError("given up") if ack.cancelled() else ack.exception())

    def _came(self, batch: "_Batch", error: BaseException | None) -> None:
        self._sent.discard(batch)
        batch.came(error if error is None or isinstance(error, KafkaError) else KafkaError(repr(error)))


class _Batch:
    """Records of one partition. The producer closes ``builder`` as soon as it sends it, or when it is full."""

    __slots__ = ("_before", "_requests", "builder", "done", "partition")

    def __init__(self, partition: int, builder: Any, before: "_Batch | None") -> None:
        """``before`` is the partition's batch before it."""
        self.partition, self.builder = partition, builder
        self.done = False
        self._before = before
        self._requests: list[Acks] = []

    def comes_next(self) -> bool:
        """Whether nothing of its partition is under way."""
        if self._before is not None and self._before.done:
            self._before = None
        return self._before is None

    def take(self, key: bytes, value: bytes, acks: Acks) -> bool:
        """Add a record; False if the batch is closed."""
        if self.done or self.builder.append(timestamp=None, key=key, value=value) is None:
            return False
        if not self._requests or self._requests[-1] is not acks:
            self._requests.append(acks)
            acks.expect()
        return True

    def came(self, error: BaseException | None) -> None:
        """The batch was acknowledged, or given up because of the error. It takes no more records."""
        if self.done:
            return
        self.done, self._before = True, None
        for acks in self._requests:
            acks.came(copy(error))  # each request raises its own: a traceback grows wherever it is raised
