"""Sends deliveries to ingress all the time, as channels do: again when refused, some twice, late or reordered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import httpx

from tests.chaos.account import Account
from tests.chaos.deliveries import Deliveries, Delivery

_AT_ONCE: Final = 3
_PAUSE: Final = 0.1  # seconds
_ANSWER_WITHIN: Final = 10.0  # seconds
_REMEMBERED: Final = 500  # acknowledged deliveries, of which some are sent again


class Sender:
    """What is under way, and the account of it."""

    def __init__(self, url: str, deliveries: Deliveries, seed: int) -> None:
        self.account = Account()
        self.refused = 0
        self.repeated = 0
        self._url = url
        self._deliveries = deliveries
        self._rng = Random(f"sender/{seed}")
        self._waiting: list[Delivery] = []  # refused, or held back to come late
        self._acknowledged: list[Delivery] = []

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send while the block runs; all that was sent is acknowledged when it ends."""
        stop = asyncio.Event()
        async with httpx.AsyncClient(base_url=self._url, timeout=_ANSWER_WITHIN, trust_env=False) as client:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(_AT_ONCE):
                    tasks.create_task(self._send_until(stop, client))
                try:
                    yield
                finally:
                    stop.set()
            while self._waiting:
                await self._deliver(client, self._waiting.pop())

    async def _send_until(self, stop: asyncio.Event, client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            await self._deliver(client, self._chosen())
            await asyncio.sleep(_PAUSE)

    def _chosen(self) -> Delivery:
        dice = self._rng.random()
        if dice < 0.15 and self._acknowledged:
            self.repeated += 1
            return self._rng.choice(self._acknowledged)
        if dice < 0.5 and self._waiting:
            return self._waiting.pop(self._rng.randrange(len(self._waiting)))
        following = self._deliveries.following()
        if self._rng.random() < 0.1:
            self._waiting.append(following)
            following = self._deliveries.following()
        return following

    async def _deliver(self, client: httpx.AsyncClient, one: Delivery) -> None:
        self.account.sent |= one.event_ids
        try:
            answer = await client.post(one.path, content=one.body, headers=one.headers)
        except httpx.TransportError:
            await self._refused(one)
            return
        if answer.is_success:
            self._note(one)
        else:
            assert answer.status_code in {429, 503}, f"{answer.status_code} {answer.text}"
            await self._refused(one)

    def _note(self, one: Delivery) -> None:
        self.account.acknowledged |= one.event_ids
        if len(self._acknowledged) < _REMEMBERED:
            self._acknowledged.append(one)
        else:
            self._acknowledged[self._rng.randrange(_REMEMBERED)] = one

    async def _refused(self, one: Delivery) -> None:
        self.refused += 1
        self._waiting.append(one)
        await asyncio.sleep(_PAUSE)
