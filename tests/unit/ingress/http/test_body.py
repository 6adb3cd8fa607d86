"""Bodies are read within limits of time and memory, and small ones come through beside large ones that stand still."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.ingress.core.shares import LEAST_BODIES, proven, unproven
from services.ingress.http import body
from services.ingress.http.body import read_body, stream_body
from services.runtime.budget import Budget, BudgetLease
from services.runtime.problems import Problem
from services.runtime.protocol import BODY_ARRIVED

LARGEST = 1000
LIMIT = LEAST_BODIES * LARGEST


class Sender:
    """Sends pieces of a body when it is told to."""

    def __init__(self, *pieces: bytes, last: bool = False) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        for number, piece in enumerate(pieces, 1):
            self.send(piece, more=not (last and number == len(pieces)))

    def send(self, piece: bytes, *, more: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    def leave(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    def request(self, **headers: str) -> Request:
        scope: dict[str, Any] = {
            "type": "http",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        return Request(scope, self._messages.get)


def arrived(request: Request) -> Request:
    """The request as it comes from a server that has its whole body."""
    return Request({**request.scope, "extensions": {BODY_ARRIVED: {}}}, request.receive)


async def kind_of(reading: "asyncio.Task[bytes]") -> str:
    with pytest.raises(Problem) as caught:
        await reading
    return caught.value.kind.slug


@contextmanager
def reading(sender: Sender, lease: BudgetLease) -> Iterator["asyncio.Task[bytes]"]:
    async def read() -> bytes:
        with lease:
            return await read_body(sender.request(), LARGEST, lease)

    task = asyncio.create_task(read())
    yield task
    task.cancel()


async def test_a_body_is_the_same_however_it_is_cut() -> None:
    for pieces in ((b"abc",), (b"a", b"bc"), (b"", b"abc"), (b"abc", b"")):
        assert await read_body(Sender(*pieces, last=True).request(), 3, Budget(10).lease()) == b"abc"


async def test_stalling_bodies_of_anybody_keep_no_other_body_out() -> None:
    budget = Budget(LIMIT)
    stalled = [Sender(b"x" * 900) for _ in range(20)]
    held = [reading(sender, budget.lease(*unproven(f"peer {n % 3}", "shop"))) for n, sender in enumerate(stalled)]
    tasks = [one.__enter__() for one in held]
    await asyncio.sleep(0)
    assert budget.used <= LIMIT // 4
    for shares in (unproven("peer 1", "shop"), unproven("another"), unproven("peer 1", "site"), proven("acme")):
        with budget.lease(*shares) as lease:
            assert await read_body(Sender(b"y" * 100, last=True).request(), LARGEST, lease) == b"y" * 100
    for one in held:
        one.__exit__(None, None, None)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert budget.used == 0


async def used_up_to(budget: Budget, size: int) -> None:
    """Wait until the bodies that are being read have taken so many bytes."""
    while budget.used < size:
        await asyncio.sleep(0)


async def test_a_body_that_had_to_give_way_is_answered_with_503_at_once() -> None:
    budget = Budget(LIMIT)
    with reading(Sender(b"x" * 900), budget.lease(*unproven("peer"))) as large:
        await used_up_to(budget, 900)
        with budget.lease(*unproven("peer")) as lease:
            assert await read_body(Sender(b"y" * 200, last=True).request(), LARGEST, lease) == b"y" * 200
        assert await asyncio.wait_for(kind_of(large), 60) == "unavailable"


async def test_what_is_proven_leaves_room_for_other_tenants() -> None:
    budget = Budget(LIMIT)
    mine = [budget.lease(*proven("acme")) for _ in range(LEAST_BODIES)]
    for lease in mine[: LEAST_BODIES // 2]:
        assert len(await read_body(Sender(b"x" * LARGEST, last=True).request(), LARGEST, lease)) == LARGEST
    refused = asyncio.create_task(read_body(Sender(b"x" * LARGEST, last=True).request(), LARGEST, mine[-1]))
    assert await kind_of(refused) == "unavailable"
    with budget.lease(*proven("other")) as lease:
        assert len(await read_body(Sender(b"x" * LARGEST, last=True).request(), LARGEST, lease)) == LARGEST


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for the pace of bodies."""
    passed = [1000.0]
    monkeypatch.setattr(body, "monotonic", lambda: passed[0])

    def pass_time(seconds: float) -> None:
        passed[0] += seconds

    return pass_time


class PacedSender(Sender):
    """Sends a piece of a size after each pause of so many seconds."""

    def __init__(self, size: int, pause: float, clock: Callable[[float], None]) -> None:
        super().__init__()
        self._size, self._pause, self._clock = size, pause, clock
        self.sent = 0

    def request(self, **headers: str) -> Request:
        async def receive() -> Message:
            self._clock(self._pause)
            self.sent += self._size
            return {"type": "http.request", "body": b"x" * self._size, "more_body": True}

        return Request(super().request(**headers).scope, receive)


@pytest.mark.parametrize(("size", "pause"), [(100, 1.0), (1, 0.5), (4000, 9.0)])
async def test_a_body_slower_than_the_least_rate_is_given_up(
    size: int, pause: float, clock: Callable[[float], None]
) -> None:
    sender = PacedSender(size, pause, clock)
    with pytest.raises(Problem) as caught:
        await read_body(sender.request(), 10_000_000, Budget(10_000_000).lease())
    assert caught.value.kind.slug == "slow-body"
    assert sender.sent < 30 * 1024


async def test_a_body_at_a_fair_rate_has_its_time_and_no_more(clock: Callable[[float], None]) -> None:
    sender = PacedSender(2000, 1.0, clock)
    with pytest.raises(Problem) as caught:
        await read_body(sender.request(), 10_000_000, Budget(10_000_000).lease())
    assert caught.value.kind.slug == "slow-body"
    assert sender.sent >= 29 * 2000


async def test_time_that_the_taker_of_a_stream_needs_is_not_the_senders(clock: Callable[[float], None]) -> None:
    sender = PacedSender(2000, 1.0, clock)
    taken = 0
    async for piece in stream_body(sender.request(), 10_000_000):
        taken += len(piece)
        clock(20.0)
        if taken == 40_000:
            return
    pytest.fail("the stream ended")


async def test_a_sender_that_leaves_is_told_apart_from_one_that_is_slow() -> None:
    sender = Sender(b"x")
    sender.leave()
    with reading(sender, Budget(10).lease()) as task:
        assert await kind_of(task) == "cut-off-body"


class TestABodyThatHasArrived:
    async def test_it_is_read_as_it_came(self) -> None:
        with Budget(100).lease() as lease:
            assert await read_body(arrived(Sender(b"abc", last=True).request()), 3, lease) == b"abc"
            assert lease.size == len(b"abc")

    async def test_it_has_the_same_limits_as_one_that_is_waited_for(self) -> None:
        budget = Budget(LIMIT)
        large, left, other = Sender(b"abcd", last=True), Sender(), Sender(b"y" * 200, last=True)
        left.leave()
        for sender, limit, slug in ((large, 3, "too-large"), (left, 3, "cut-off-body")):
            with budget.lease() as lease:
                reads = asyncio.create_task(read_body(arrived(sender.request()), limit, lease))
                assert await kind_of(reads) == slug
        with budget.lease(*unproven("peer")) as held, budget.lease(*unproven("peer")) as lease:
            held.grow(900)
            reads = asyncio.create_task(read_body(arrived(other.request()), LARGEST, lease))
            assert await kind_of(reads) == "unavailable"

    async def test_bodies_that_still_arrive_give_way_to_it(self) -> None:
        budget = Budget(LIMIT)
        with reading(Sender(b"x" * 900), budget.lease(*unproven("peer"))) as large:
            await used_up_to(budget, 900)
            with budget.lease(*unproven("peer")) as lease:
                request = arrived(Sender(b"y" * 200, last=True).request())
                assert await read_body(request, LARGEST, lease) == b"y" * 200
            assert await asyncio.wait_for(kind_of(large), 60) == "unavailable"
