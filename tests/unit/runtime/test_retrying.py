import pytest

from services.runtime.retrying import Waiting


async def test_it_tries_again_until_done_and_says_meanwhile_whom_it_waits_for() -> None:
    waiting, away = Waiting(), []
    errors = [OSError("refused"), OSError("refused")]

    async def once() -> str:
        away.append(set(waiting.away))
        if errors:
            raise errors.pop()
        return "done"

    assert await waiting.until_done("kafka", once, lambda error: isinstance(error, OSError)) == "done"
    assert away == [set(), {"kafka"}, {"kafka"}]
    assert waiting.away == set()


async def test_what_time_does_not_heal_is_raised_at_once() -> None:
    tried = []

    async def once() -> None:
        tried.append(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await Waiting().until_done("kafka", once, lambda error: isinstance(error, OSError))
    assert len(tried) == 1


async def test_nobody_is_waited_for_after_an_error_that_does_not_heal() -> None:
    waiting = Waiting()
    errors: list[Exception] = [ValueError("wrong"), OSError("refused")]

    async def once() -> None:
        raise errors.pop()

    with pytest.raises(ValueError, match="wrong"):
        await waiting.until_done("kafka", once, lambda error: isinstance(error, OSError))
    assert waiting.away == set()
