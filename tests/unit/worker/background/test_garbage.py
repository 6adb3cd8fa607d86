"""Garbage of a worker: collected between chunks, and not while they are at work."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from services.runtime.gc_tuning import collect_newest
from services.worker.background.upkeep import collect_between_chunks
from services.worker.tasks import in_background


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _without_automatic_collections() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(10_000_000)
    gc.collect()
    yield
    gc.set_threshold(*before)


def _garbage(cycles: int) -> weakref.ref[Cycle]:
    made = [Cycle() for _ in range(cycles)]
    return weakref.ref(made[0])


async def test_garbage_is_collected_as_soon_as_no_chunk_is_at_work() -> None:
    at_work, looks = True, 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return at_work

    garbage = _garbage(30_000)
    async with in_background(collect_between_chunks(look, 0)), asyncio.timeout(240):
        while looks < 3:
            await asyncio.sleep(0)
        assert garbage() is not None
        at_work = False
        while garbage() is not None:
            await asyncio.sleep(0)


def test_little_garbage_is_left_for_later() -> None:
    garbage = _garbage(100)
    collect_newest()
    assert garbage() is not None
