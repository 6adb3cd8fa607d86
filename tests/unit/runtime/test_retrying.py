import gc

import pytest

from services.runtime.retrying import Retrier


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, OSError)


async def test_it_retries_until_done_and_names_the_server_it_waits_for() -> None:
    retrier = Retrier()
    seen: list[set[str]] = []
    errors = [OSError("refused"), OSError("refused")]

    async def call() -> str:
        seen.append(set(retrier.unavailable))
        if errors:
            raise errors.pop()
        return "done"

    assert await retrier.until_done("kafka", call, _is_transient) == "done"
    assert seen == [set(), {"kafka"}, {"kafka"}]
    assert retrier.unavailable == set()


async def test_a_permanent_error_is_raised_at_once() -> None:
    calls = []

    async def call() -> None:
        calls.append(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await Retrier().until_done("kafka", call, _is_transient)
    assert len(calls) == 1


async def test_no_server_is_waited_for_after_a_permanent_error() -> None:
    retrier = Retrier()
    errors: list[Exception] = [ValueError("wrong"), OSError("refused")]

    async def call() -> None:
        raise errors.pop()

    with pytest.raises(ValueError, match="wrong"):
        await retrier.until_done("kafka", call, _is_transient)
    assert retrier.unavailable == set()


async def test_a_call_that_succeeds_leaves_no_garbage() -> None:
    """Objects in a cycle stay until they are looked for; for each chunk of a busy worker that would take long."""

    async def call() -> str:
        return "done"

    retrier = Retrier()
    gc.collect()
    await retrier.until_done("kafka", call, _is_transient)
    assert gc.collect() == 0
