"""When new contacts are in the customer rows that searches and segments read.

One statement looks for all that are awaited, so that many of them cost the measured service no more than one.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from benchmarks.bed import reading
from benchmarks.ingest.pace import LOOK_EVERY
from benchmarks.ingest.requests import ACCOUNT
from benchmarks.ingest.service import TENANT
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from schemas.events import ContactRef
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

_FOUND: Final = compiled(
    sa.select(CUSTOMER_ROWS.c.customer_id).where(
        CUSTOMER_ROWS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CUSTOMER_ROWS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    ),
    *("tenant", "customer_ids"),
)


class AwaitedRows:
    """Times from a moment until a contact, which no other contact is bound to, has its customer's row."""

    def __init__(self, master_key: str) -> None:
        self._id_of = id_of(master_key)
        self._since: dict[UUID, float] = {}
        self._none_left = asyncio.Event()
        self.taken: list[float] = []

    def expect(self, uid: str, since: float) -> None:
        """Begin to wait for the row of a LINE user, whose event was sent ``since``, by `time.perf_counter`."""
        self._none_left.clear()
        self._since[self._id_of(TENANT, ContactRef(channel="line", account=ACCOUNT, uid=uid).key)] = since

    async def done(self) -> None:
        """Wait until all are found."""
        await self._none_left.wait()

    async def look(self, connection: Connection) -> None:
        """Look every ten milliseconds until cancelled."""
        while True:
            if self._since:
                found = await connection.fetch(_FOUND, TENANT, list(self._since))
                now = time.perf_counter()
                self.taken.extend(now - self._since.pop(row["customer_id"]) for row in found)
            else:
                self._none_left.set()
            await asyncio.sleep(LOOK_EVERY)


@asynccontextmanager
async def awaiting_rows(settings: Settings) -> AsyncIterator[AwaitedRows]:
    """Yield what looks for rows until the block ends."""
    rows = AwaitedRows(settings.master_key)
    async with reading(settings) as connection, asyncio.TaskGroup() as group:
        looking = group.create_task(rows.look(connection))
        yield rows
        looking.cancel()
