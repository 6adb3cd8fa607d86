import asyncio

from services.runtime.cancelling import cancel_all


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
