"""Periodic duties of every worker.

They are metrics of its lag, commit hints for Kafka's tools, ending stalled transactions, following the hold of a
generation that is being built, and collecting garbage between chunks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Final, NoReturn

from services.runtime import metrics
from services.runtime.database import DATABASE_ERRORS
from services.runtime.gc_tuning import collect_newest
from services.worker.core.lag import TopicLag

HINT_EVERY: Final = 5.0  # seconds
REPORT_EVERY: Final = 2.0
_FOLLOW_EVERY: Final = 0.2
_COLLECT_EVERY: Final = 0.2
SERVERS: Final = ("kafka", "postgresql")


async def report_lag(
    lag: Callable[[], Mapping[str, TopicLag]], unavailable: Collection[str], every: float = REPORT_EVERY
) -> NoReturn:
    """Every ``every`` seconds, set the metrics of each topic's lag, and of the ``unavailable`` servers at that time."""
    topics: set[str] = set()
    while True:
        found = lag()
        topics.update(found)
        for topic in topics:
            of_topic = found.get(topic, TopicLag())  # its partitions may be others' now
            metrics.PARTITIONS_OWNED.labels(topic).set(of_topic.partitions)
            metrics.LAG_RECORDS.labels(topic).set(of_topic.records)
            metrics.LAG_SECONDS.labels(topic).set(of_topic.seconds)
        for server in SERVERS:
            metrics.SERVER_UNAVAILABLE.labels(server).set(server in unavailable)
        await asyncio.sleep(every)


async def commit_hints(commit_hint: Callable[[], Awaitable[None]], every: float = HINT_EVERY) -> NoReturn:
    """Commit the offsets to Kafka every ``every`` seconds. They are never read back."""
    while True:
        await asyncio.sleep(every)
        with suppress(Exception):  # a hint that fails is given again
            await commit_hint()


async def end_stalled_transactions(
    end_stalled: Callable[[float], Awaitable[None]], every: float, after: float
) -> NoReturn:
    """Every ``every`` seconds, end transactions whose worker has been silent for ``after`` seconds."""
    while True:
        await asyncio.sleep(every)
        with suppress(*DATABASE_ERRORS):  # the next round will do
            await end_stalled(after)


async def follow_hold(follow: Callable[[], Awaitable[None]]) -> NoReturn:
    """Read the hold again and again; while the database is away the last one stays."""
    while True:
        await asyncio.sleep(_FOLLOW_EVERY)
        with suppress(*DATABASE_ERRORS):
            await follow()


async def collect_between_chunks(at_work: Callable[[], bool], every: float = _COLLECT_EVERY) -> NoReturn:
    """Every ``every`` seconds, collect garbage, unless chunks are ``at_work``, whose objects are all in use."""
    while True:
        await asyncio.sleep(every)
        if not at_work():
            collect_newest()
