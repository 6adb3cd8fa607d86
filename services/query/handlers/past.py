"""A tenant's read models as they were at a time in the past, for one answer.

The events that the answer follows from are read and folded again. Their rows are laid over the generation's tables, so
the statements and the code that answer about the present answer about the past as well.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final
from uuid import UUID

from projections.as_of import queries, rows, store
from projections.as_of.cutoff import Cutoff
from projections.as_of.gathering import AnswerAbout, gather
from projections.customers.queries import contacts_of
from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity.resolutions import active_resolution
from projections.registry import PROJECTIONS
from services.query.core.errors import NotFound
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels

_NOT_YET: Final = "There was no such customer or contact at that time: no event of it counts by then."


class PastReadModels:
    """``connection`` gives connections to the active generation that serve nothing else, as `ReadModels` does.

    ``region`` is that of tenants that have set none.
    """

    def __init__(
        self, connection: Callable[[], AbstractAsyncContextManager[Connection]], id_of: IdOf, region: str
    ) -> None:
        self._connection = connection
        self._id_of = id_of
        self._region = region

    @asynccontextmanager
    async def snapshot(self, tenant: str, cutoff: Cutoff, asked: AnswerAbout) -> AsyncIterator[Snapshot]:
        """What can be asked about these contacts and identifiers. Raises TooMuchHistory and ReadModelsUnavailable."""
        async with self._connection() as connection:
            schema = await store.prepare(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await store.show_generation(connection, schema)
                active = await active_resolution(connection, tenant)
                found = await gather(connection, active, cutoff, asked, id_of=self._id_of, region=self._region)
                fold = partial(rows.identity_at, *found, id_of=self._id_of, cutoff=cutoff)
                tables = await asyncio.to_thread(fold)
                await store.lay_over(connection, schema, tables, cutoff)
                yield Snapshot(connection, tenant, await active_resolution(connection, tenant), cutoff)


async def add_profiles(moment: Snapshot, any_id: UUID) -> None:
    """Fold all that had happened with the contacts of a customer, by any of their ids. Raises TooMuchHistory."""
    contacts = await contacts_of(moment.connection, moment.resolution, any_id)
    events = await queries.events_of(moment.connection, moment.tenant, moment.cutoff, contacts)
    tables = await asyncio.to_thread(rows.contacts_at, PROJECTIONS, events)
    await store.replace_contacts(moment.connection, moment.tenant, contacts, tables)


class Moments:
    """The present, and the past where there is a way to read it: a moment of either for one answer."""

    def __init__(self, read_models: ReadModels, past: PastReadModels | None) -> None:
        self._read_models = read_models
        self._past = past

    @asynccontextmanager
    async def at(self, tenant: str, cutoff: Cutoff, asked: Callable[[], AnswerAbout]) -> AsyncIterator[Snapshot]:
        """The moment; of the past only what can be ``asked`` about. Raises ReadModelsUnavailable.

        Of the past it raises TooMuchHistory too, and a NotFound from inside says that it is about then.
        """
        if not cutoff or self._past is None:
            async with snapshot(self._read_models, tenant) as moment:
                yield moment
            return
        about = asked()
        try:
            async with self._past.snapshot(tenant, cutoff, about) as moment:
                yield moment
        except NotFound:
            raise NotFound(_NOT_YET) from None
