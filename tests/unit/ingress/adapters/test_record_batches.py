"""Batches of several partitions linger together, and what is given up leaves nothing on the budget."""

import asyncio
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingress.adapters.record_batches import Acks, RecordBatches
from services.runtime.budget import Budget

FOR_EVER = 3600.0


class Producer:
    """A producer that keeps the partitions of what it is handed, and acknowledges nothing by itself."""

    def __init__(self, most: int = 100, stands: int | None = None) -> None:
        """A batch takes ``most`` records; one of the partition that ``stands`` waits for that before it."""
        self.handed: list[int] = []
        self.first, self.moves = asyncio.Event(), asyncio.Event()
        self.acks: list[asyncio.Future[None]] = []
        self._most, self._stands = most, stands

    def create_batch(self) -> Any:
        taken = count()
        return SimpleNamespace(append=lambda **_: True if next(taken) < self._most else None)

    async def send_batch(self, _batch: Any, _topic: str, *, partition: int) -> "asyncio.Future[None]":
        if partition == self._stands and partition in self.handed:
            await self.moves.wait()
        self.handed.append(partition)
        self.first.set()
        self.acks.append(asyncio.get_running_loop().create_future())
        return self.acks[-1]


async def test_batches_of_all_partitions_go_to_the_producer_at_once() -> None:
    producer, budget = Producer(), Budget(100)
    batches = RecordBatches(cast("AIOKafkaProducer", producer), "events", linger=0.01)
    acks = _added(batches, budget, 3, 1, 3)
    await producer.first.wait()
    await asyncio.sleep(0)
    assert sorted(producer.handed) == [1, 3]

    for ack in producer.acks:
        ack.set_result(None)
    await acks.done
    assert budget.used == 0


@pytest.mark.parametrize("linger", [0.0, FOR_EVER])
async def test_what_is_given_up_is_known_to_be_and_off_the_budget(linger: float) -> None:
    producer, budget = Producer(), Budget(100)
    batches = RecordBatches(cast("AIOKafkaProducer", producer), "events", linger=linger)
    acks = _added(batches, budget, 3, 1)
    if not linger:
        await producer.first.wait()
    await batches.give_up()
    with pytest.raises(KafkaError):
        await acks.done
    assert budget.used == 0


async def test_a_batch_that_failed_takes_no_more_records() -> None:
    producer, budget = Producer(), Budget(100)
    batches = RecordBatches(cast("AIOKafkaProducer", producer), "events", linger=0.0)
    failed = _added(batches, budget, 3)
    await producer.first.wait()
    await asyncio.sleep(0)
    producer.acks[0].set_exception(KafkaError("no leader"))
    with pytest.raises(KafkaError):
        await failed.done

    producer.first.clear()
    again = _added(batches, budget, 3)
    await producer.first.wait()
    await asyncio.sleep(0)
    producer.acks[1].set_result(None)
    await again.done
    assert budget.used == 0


async def test_a_batch_behind_one_of_its_partition_holds_up_no_other_partition() -> None:
    producer, budget = Producer(most=1, stands=3), Budget(1_000)
    batches = RecordBatches(cast("AIOKafkaProducer", producer), "events", linger=0.0)
    first = _added(batches, budget, 3)
    await producer.first.wait()
    others = _added(batches, budget, 3), _added(batches, budget, 1), _added(batches, budget, 2)
    while len(producer.handed) < 3:
        await asyncio.sleep(0)
    assert sorted(producer.handed) == [1, 2, 3]

    producer.moves.set()
    while len(producer.handed) < 4:
        await asyncio.sleep(0)
    for ack in producer.acks:
        ack.set_result(None)
    for acks in (first, *others):
        await acks.done
    assert (producer.handed.count(3), budget.used) == (2, 0)


def _added(batches: RecordBatches, budget: Budget, *partitions: int) -> Acks:
    lease = budget.lease()
    lease.grow(10)
    acks = Acks(lease)
    for partition in partitions:
        batches.add(partition, b"key", b"value", acks)
    acks.no_more()
    return acks
