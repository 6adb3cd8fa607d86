"""Sends the events of jobs to the log, at a pace that leaves room for the live stream."""

import asyncio
import time
from collections.abc import Callable, Iterable

from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.vault.records import EncodedEvent
from services.worker.agent_spec import SendEvents
from services.worker.core.publishing_pace import rest_after


class EventPublisher:
    """Appends events to the log; ``contacts_behind`` gives how many seconds of it this worker has still to fold."""

    def __init__(self, send: SendEvents, contacts_behind: Callable[[], float] = lambda: 0.0) -> None:
        self._send = send
        self._contacts_behind = contacts_behind

    async def publish(self, events: Iterable[Event]) -> None:
        """Return once all replicas have the events, and after a rest."""
        began = time.monotonic()
        records = [EncodedEvent.of(event) for event in events]
        if records:
            await self._send(CHANNEL_EVENTS, records)
            await asyncio.sleep(rest_after(time.monotonic() - began, self._contacts_behind()))
