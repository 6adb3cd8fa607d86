"""Reading several things at the same time."""

import asyncio

import pytest

from services.console.http.together import together


async def test_reads_run_at_the_same_time_and_answer_in_their_order() -> None:
    begun = asyncio.Event()

    async def waits() -> str:
        await begun.wait()
        return "first"

    async def begins() -> str:
        begun.set()
        return "second"

    assert await together(waits(), begins()) == ("first", "second")


async def test_what_one_raises_is_raised_after_all_have_ended() -> None:
    ended = []

    async def fails() -> str:
        raise LookupError("nobody")

    async def lasts() -> str:
        await asyncio.sleep(0)
        ended.append("lasts")
        return "done"

    with pytest.raises(LookupError, match="nobody"):
        await together(fails(), lasts())
    assert ended == ["lasts"]
