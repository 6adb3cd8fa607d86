import asyncio

import pytest

from services.runtime.caching import LookupCache
from tests.support.clock import Clock


class Directory:
    """A small source of answers that counts its calls and can fail or be slow."""

    def __init__(self) -> None:
        self.entries = {"a": 1}
        self.calls = 0
        self.failing = False
        self.delay = 0.0

    async def load(self, key: str) -> int | None:
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.failing:
            raise ConnectionError
        return self.entries.get(key)


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_it_loads_a_key_once_while_fresh_also_one_that_is_not_found(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=10, clock=clock)
    assert [await cache.get(key) for key in ("a", "a", "b", "b")] == [1, 1, None, None]
    assert directory.calls == 2


async def test_a_change_is_seen_once_the_answer_is_no_longer_fresh(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=2, clock=clock)
    assert await cache.get("a") == 1
    assert await cache.get("b") is None
    directory.entries = {"b": 2}
    clock.now += 2
    assert await cache.get("a") is None
    assert await cache.get("b") == 2


async def test_concurrent_callers_share_one_load(directory: Directory) -> None:
    directory.delay = 0.01
    cache = LookupCache(directory.load)
    assert await asyncio.gather(*(cache.get("a") for _ in range(50))) == [1] * 50
    assert directory.calls == 1


async def test_a_cancelled_caller_does_not_cancel_the_load_of_the_others(directory: Directory) -> None:
    directory.delay = 0.02
    cache = LookupCache(directory.load)
    first, second = (asyncio.create_task(cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    assert directory.calls == 1


async def test_a_stale_answer_is_returned_while_loading_fails_or_times_out(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=2, timeout=1, clock=clock)
    await cache.get("a")
    directory.failing = True
    clock.now += 2
    assert await cache.get("a") == 1
    directory.delay = 60
    clock.now += 2
    assert await cache.get("a") == 1
    with pytest.raises(TimeoutError):
        await cache.get("never loaded before")


async def test_with_a_stale_answer_the_timeout_is_shorter(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=2, timeout=60, timeout_with_answer=0.02, clock=clock)
    await cache.get("a")
    directory.delay = 60
    clock.now += 2
    async with asyncio.timeout(240):
        assert await cache.get("a") == 1


async def test_a_stale_answer_is_returned_for_a_limited_time(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=2, stale_if_error=600, clock=clock)
    await cache.get("a")
    directory.failing = True
    clock.now += 600
    assert await cache.get("a") == 1
    clock.now += 2
    with pytest.raises(ConnectionError):
        await cache.get("a")


async def test_while_loading_fails_it_is_tried_once_in_a_while(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=2, clock=clock)
    await cache.get("a")
    directory.failing = True
    clock.now += 2
    for _ in range(20):
        assert await cache.get("a") == 1
    assert directory.calls == 2


async def test_keys_that_are_not_found_evict_only_each_other(directory: Directory, clock: Clock) -> None:
    cache = LookupCache(directory.load, fresh=10, max_entries=5, clock=clock)
    await cache.get("a")
    for number in range(50):
        await cache.get(f"guess {number}")
    await cache.get("a")
    assert directory.calls == 51
