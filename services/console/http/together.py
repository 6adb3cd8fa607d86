"""Reading several things for one page at the same time: a page is ready when the slowest of them is."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def together(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...


@overload
async def together(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...


async def together(*reads: Awaitable[object]) -> tuple[object, ...]:
    """What each of them answers. Waits for all of them, then raises what the first of them raised that did."""
    answers = await asyncio.gather(*reads, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException):
            raise one
    return tuple(answers)
