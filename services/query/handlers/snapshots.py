"""A tenant's read models at one moment: everything that an answer needs is read in one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.engine.connection import Connection
from projections.identity.keys import ResolutionKey
from projections.identity.resolutions import ResolutionInUse, active_resolution
from services.query.ports import ReadModels


class Snapshot(NamedTuple):
    """A connection that sees one moment, and the resolution of the tenant's identity that is active at that moment.

    A moment in the past has a ``cutoff``.
    """

    connection: Connection
    tenant: str
    active: ResolutionInUse
    cutoff: Cutoff = NO_CUTOFF

    @property
    def resolution(self) -> ResolutionKey:
        """The key of the active resolution."""
        return self.active.key


@asynccontextmanager
async def snapshot(read_models: ReadModels, tenant: str) -> AsyncIterator[Snapshot]:
    """The read models as they are at this moment, until the block ends. Raises ReadModelsUnavailable."""
    async with (
        read_models.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Snapshot(connection, tenant, await active_resolution(connection, tenant))
