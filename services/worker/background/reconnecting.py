"""Keeps a background service at work on a connection of its own, over outages of PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from projections.engine.connection import Connection
from services.runtime.database import is_transient
from services.worker.agent_spec import Connect

log = structlog.get_logger(__name__)


async def run_reconnecting(
    connect: Connect, work: Callable[[Connection], Awaitable[None]], *, every: float, interrupted: str
) -> None:
    """Run ``work`` until cancelled. After an outage it begins again ``every`` seconds later, on another connection.

    ``interrupted`` names the line of the log that says so. Raises what ``work`` raises and is no outage.
    """
    while True:
        try:
            async with connect() as connection:
                await work(connection)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning(interrupted, error=type(error).__name__)
        await asyncio.sleep(every)
