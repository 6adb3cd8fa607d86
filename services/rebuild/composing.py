"""Makes the customer rows of the generation that is built, in bulk, once its log and its identity are folded.

The composer's lock is held from before its workers start, so that they do not compose customers one after the other of
which more is still to come. Afterwards they go on with what is touched.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from projections.customers.composing import compose_all
from projections.customers.page_ahead import PageAhead
from projections.customers.store import lock_composer, unlock_composer
from projections.engine.connection import Connection
from services.rebuild.adapters.postgres import connected
from services.rebuild.pair import GenerationPair
from services.rebuild.resting import Resting
from services.runtime.database import BY_KEY

_LONGEST_REST: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class BulkComposer:
    """Composes the customers of the generation that is built; ``reading`` loads a page while another one is written.

    ``alone`` is False if one of its workers does, or if the generation has none.
    """

    connection: Connection
    reading: Connection
    region: str
    alone: bool

    async def compose(self, share: Callable[[], float]) -> None:
        """Make all rows. ``share`` says which part of the time may be worked; whatever it raises ends it."""
        if not self.alone:
            return
        resting = Resting(share, _LONGEST_REST)
        ahead = PageAhead(self.reading, lambda: not resting.paced)
        try:
            await compose_all(self.connection, self.region, resting, ahead=ahead)
        finally:
            await ahead.close()
        await unlock_composer(self.connection)


@asynccontextmanager
async def bulk_composer(pair: GenerationPair) -> AsyncIterator[BulkComposer]:
    """Keep the workers of the generation from composing while the block runs, or until all rows are made."""
    async with (
        connected(pair.url, pair.building.name) as connection,
        connected(pair.url, pair.building.name) as reading,
    ):
        for name, value in BY_KEY.items():
            for one in (connection, reading):
                await one.execute(f"SET {name} TO {value}")
        alone = pair.customers_too and await lock_composer(connection)
        yield BulkComposer(connection, reading, pair.settings.default_region, alone)
