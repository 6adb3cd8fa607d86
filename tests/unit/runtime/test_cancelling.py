import asyncio

import pytest

from services.runtime.cancelling import TimeLimit, cancel_all


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    cancellations = 0

    async def ignores_the_first() -> None:
        nonlocal cancellations
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations > 1:
                    raise

    task = asyncio.create_task(ignores_the_first())
    await asyncio.sleep(0)
    await cancel_all(task)
    assert task.cancelled()
    assert cancellations == 2


async def test_tasks_that_have_failed_or_ended_are_accepted() -> None:
    async def fails() -> None:
        raise ValueError

    tasks = [asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0))]
    await asyncio.wait(tasks)
    await cancel_all(*tasks)
    await cancel_all()


class TestTimeLimit:
    async def test_what_takes_longer_is_cancelled(self) -> None:
        with pytest.raises(TimeoutError), TimeLimit(0.01):
            await asyncio.sleep(60)
        await asyncio.sleep(0)  # and the task is not cancelled any more

    async def test_what_ends_in_time_gives_its_own_result(self) -> None:
        with TimeLimit(60):
            await asyncio.sleep(0)
        with pytest.raises(ValueError, match="its own"), TimeLimit(60):
            raise ValueError("its own")

    async def test_the_task_is_not_cancelled_later(self) -> None:
        with TimeLimit(1):
            await asyncio.sleep(0)
        await asyncio.sleep(1.2)

    @pytest.mark.parametrize("limit", [60.0, 0.0])
    async def test_a_cancelled_task_stays_cancelled_whether_or_not_its_time_is_over(self, limit: float) -> None:
        async def waits() -> None:
            with TimeLimit(limit):
                await asyncio.sleep(60)

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
