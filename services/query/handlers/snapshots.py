"""A tenant's read models at one moment: everything that an answer needs is read in one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from projections.identity.resolutions import Found, live_space
from services.query.ports import ReadModels


class Snapshot(NamedTuple):
    """A connection that sees one moment, and the space that the tenant's identity is read in at that moment."""

    connection: Any
    tenant: str
    live: Found

    @property
    def space(self) -> str:
        """The space's name."""
        return self.live.name


@asynccontextmanager
async def snapshot(read_models: ReadModels, tenant: str) -> AsyncIterator[Snapshot]:
    """The read models as they are at this moment, until the block ends. Raises ReadModelsUnavailable."""
    async with (
        read_models.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Snapshot(connection, tenant, await live_space(connection, tenant))
