"""The console with commands, on a real PostgreSQL and a real Kafka, whose events are folded as soon as it has them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from schemas import codec
from services.control.keys import add_key
from services.embedded.http import create_app
from services.ingress.ports import Log, Record
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings
from services.worker.background.candidate_sweep import CandidateSweep
from services.worker.background.policy_rollout import PolicyRollout
from tests.support.console_customers import other_people, people_of_another_brand, rich_customer
from tests.support.read_api import Brand, id_of, open_brand


class FoldingLog:
    """A log in Kafka; what it has acknowledged is folded, as a worker would soon."""

    def __init__(self, log: Log, brand: Brand) -> None:
        self._log, self._brand = log, brand

    async def append(self, records: Sequence[Record]) -> None:
        """Append the records, then fold them and compose the customers' rows."""
        await self._log.append(records)
        await self._brand.fold(*(codec.decode(one.value) for one in records))
        await self._brand.compose()


@asynccontextmanager
async def open_pages(settings: Settings) -> AsyncIterator[Brand]:
    """The tenant ``demo`` with customers and a key ``admin``; ``operator`` may do all, ``viewer`` only read.

    The tenant ``other`` has a key ``admin of other`` and two people who typed one e-mail address.
    """
    await ensure_topics(settings)
    async with open_brand(settings, make_app=lambda known, **_: create_app(known)) as brand:
        ingress = brand.app.state.ingress
        brand.app.state.ingress = replace(ingress, log=FoldingLog(ingress.log, brand))
        brand.keys["admin"] = await add_key(brand.engine, "demo", ["admin"])
        brand.keys["admin of other"] = await add_key(brand.engine, "other", ["admin"])
        brand.keys["operator"] = await add_key(brand.engine, "demo", ["admin", "operator"])
        brand.keys["viewer"] = await add_key(brand.engine, "demo", ["customers:read"])
        await brand.fold(*rich_customer(), *other_people(), *people_of_another_brand())
        sweep = CandidateSweep(lambda: pytest.fail("not by itself"), page=100, rest=lambda *_: 0.0)
        for _ in range(2):  # a key may come to have too many holders in the first one
            await sweep.sweep(brand.connection, "demo")
        yield brand


async def roll_out_policies(brand: Brand) -> None:
    """Bring every tenant to the policy that it set last, as a worker does in the background."""
    rollout = PolicyRollout(
        lambda: pytest.fail("it has a connection"), lambda tenant, key: id_of(key, tenant), "TW", every=1
    )
    await rollout.roll_out_all(brand.connection)
