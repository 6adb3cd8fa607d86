"""Leaves people who are erased out of the events of other contacts."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.erasure_orders.queries import events_that_may_name
from projections.erasure_orders.store import unfolded_statements
from projections.erasures.folds import digest_of
from projections.erasures.others import leaving_out, names
from schemas.subjects import contact_subject
from services.worker.jobs.publishing import EventPublisher


class ErasedContacts(NamedTuple):
    """Whom an erasure is about: ``contacts`` by id, with their keys; ``naming`` are the others that named them."""

    tenant: str
    request_id: str
    at: int
    contacts: Mapping[UUID, str]
    naming: Collection[UUID]


class NamesInOthers:
    """One attempt at leaving the contacts out. Another one publishes the same events.

    ``before`` is how many events earlier attempts replaced.
    """

    def __init__(self, publisher: EventPublisher, erased: ErasedContacts, before: int = 0) -> None:
        self._before = before
        self._publisher = publisher
        self._erased = erased
        self._subjects = {contact_subject(key) for key in erased.contacts.values()}
        self._sent: set[UUID] = set()

    @property
    def events(self) -> int:
        """How many events were replaced so far."""
        return self._before + len(self._sent)

    async def leave_out(self, connection: Connection) -> bool:
        """Publish what takes the place of events that name them, each once; whether no row has any of them now."""
        erased = self._erased
        if not erased.naming:
            return True
        found: list[ContactEvent] = []
        async with connection.transaction():
            async for page in events_that_may_name(connection, erased.tenant, erased.naming, erased.at):
                found += [one for one in page if names(one.event, self._subjects)]
        new = [one for one in found if _digest(one) not in self._sent]
        await self._publisher.publish(leaving_out(erased.request_id, erased.at, new, self._subjects))
        self._sent |= {_digest(one) for one in new}
        return not found and not await unfolded_statements(connection, erased.tenant, erased.naming, self._sent)


def _digest(one: ContactEvent) -> UUID:
    return digest_of(one.contact_id, one.event.event_id)
