import asyncio

import pytest

from services.ingress.adapters.deadlines import Deadlines


async def test_what_is_not_done_in_time_ends_with_a_timeout() -> None:
    deadlines = Deadlines(0.01)
    waiting = [asyncio.get_running_loop().create_future() for _ in range(3)]
    for one in waiting:
        deadlines.add(one)
    for one in waiting:
        with pytest.raises(TimeoutError):
            await one


async def test_what_is_added_while_others_wait_ends_too() -> None:
    deadlines, loop = Deadlines(0.01), asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    deadlines.add(first)
    loop.call_later(0.005, deadlines.add, second)
    for one in (first, second):
        with pytest.raises(TimeoutError):
            await one


async def test_what_is_done_keeps_its_result() -> None:
    deadlines, loop = Deadlines(0.01), asyncio.get_running_loop()
    done, cancelled, last = loop.create_future(), loop.create_future(), loop.create_future()
    for one in (done, cancelled, last):
        deadlines.add(one)
    done.set_result("its own")
    cancelled.cancel()
    with pytest.raises(TimeoutError):
        await last
    assert done.result() == "its own"
    assert cancelled.cancelled()
