"""The end of the topic: whoever it serves misses nothing, however the records come and whatever it has forgotten."""

import asyncio
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.changes.log import ChangeTopic
from services.changes.pages import ChangeRecord, FeedPage, Wanted
from services.changes.tail import Tail

PARTITIONS = 3
TOPIC = ChangeTopic("changes", UUID(int=1), PARTITIONS)
TENANTS = ("demo", "other")


def record(partition: int, offset: int, tenant: str) -> ChangeRecord:
    value = b'{"type":"created","n":"%d/%d"}' % (partition, offset)
    return ChangeRecord(partition, offset, offset, tenant, str(UUID(int=partition)), value)


def a_tail(most_bytes: int = 1_000_000) -> Tail:
    tail = Tail("nowhere:1", TOPIC, most_bytes)
    tail.begin([0] * PARTITIONS)
    return tail


@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.sampled_from(TENANTS)), max_size=9)),
    limits=st.lists(st.integers(1, 4), min_size=1),
    kept=st.integers(1, 12),
)
def test_a_listener_has_each_change_once_from_the_tail_or_from_the_log(
    batches: list[list[tuple[int, str]]], limits: list[int], kept: int
) -> None:
    log: list[list[ChangeRecord]] = [[] for _ in range(PARTITIONS)]
    tail, wanted = a_tail(kept * 450), Wanted("demo")
    offsets, had = [0] * PARTITIONS, []
    for number, batch in enumerate([*batches, *([[]] * 200)]):
        new = []
        for partition, tenant in batch:
            new.append(record(partition, len(log[partition]), tenant))
            log[partition].append(new[-1])
        tail.add(new)
        limit = limits[number % len(limits)]
        page = tail.page(offsets, wanted, limit)
        if page is None:
            page = FeedPage(list(offsets), limit)
            page.take((one for of_partition in log for one in of_partition), wanted)
        assert len(page.changes) <= limit
        had += [one.value for one in page.changes]
        offsets = page.offsets
    expected = [one.value for of_partition in log for one in of_partition if one.tenant == "demo"]
    assert sorted(had) == sorted(expected)
    for partition in range(PARTITIONS):
        start = b'{"type":"created","n":"%d/' % partition
        assert [one for one in had if one.startswith(start)] == [one for one in expected if one.startswith(start)]
    assert offsets == [len(one) for one in log]


async def test_a_listener_is_woken_by_its_own_tenant_alone() -> None:
    tail = a_tail()
    waiting = {tenant: asyncio.create_task(tail.wait(tenant, 60)) for tenant in TENANTS}
    await asyncio.sleep(0)
    tail.add([record(0, 0, "demo")])
    assert await waiting["demo"] is None
    assert not waiting["other"].done()
    tail.wake_all()
    assert await waiting["other"] is None


async def test_whoever_waited_in_vain_moves_past_what_is_not_its_own() -> None:
    tail = a_tail()
    waiting = asyncio.create_task(tail.wait("demo", 0.05))
    await asyncio.sleep(0)
    tail.add([record(1, 0, "other"), record(1, 1, "other")])
    assert await waiting == [0, 2, 0]


async def test_a_change_that_comes_as_the_wait_ends_is_not_skipped() -> None:
    tail = a_tail()
    waiting = asyncio.create_task(tail.wait("demo", 0.01))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.01, lambda: tail.add([record(0, 0, "demo")]))
    offsets = await waiting
    await asyncio.sleep(0.02)
    page = tail.page(offsets or [0] * PARTITIONS, Wanted("demo"), 10)
    assert page is not None
    assert len(page.changes) == 1


def test_a_tail_that_began_again_serves_nobody_who_was_before_it() -> None:
    tail = a_tail()
    tail.begin([])
    assert tail.page([0] * PARTITIONS, Wanted("demo"), 10) is None
    tail.begin([5, 0, 0])
    assert tail.page([4, 0, 0], Wanted("demo"), 10) is None
    assert tail.page([5, 0, 0], Wanted("demo"), 10) is not None
    assert tail.page([5, 0, 1], Wanted("demo"), 10) is None
