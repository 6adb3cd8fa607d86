"""Leaves people who are erased out of the events of other contacts."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.erasure_orders.queries import events_that_may_name
from projections.erasure_orders.store import unfolded_events
from projections.erasures.folds import erased_event
from projections.erasures.others import leaving_out, names
from projections.erasures.tables import ErasedEventRow
from schemas.events import Event
from schemas.subjects import contact_subject

# Events by their contact and a hash of their id, as the job's progress keeps them: JSON.
Replaced = Mapping[str, Collection[str]]


class ErasedContacts(NamedTuple):
    """Whom an erasure is about: ``contacts`` by id, with their keys; ``naming`` are the others that named them."""

    tenant: str
    request_id: str
    at: int
    contacts: Mapping[UUID, str]
    naming: Collection[UUID]


class NamesInOthers:
    """The events of others that name the contacts, and what takes their place.

    ``replaced`` are those that earlier attempts found. Their events may have been sent, or not.
    """

    def __init__(self, erased: ErasedContacts, replaced: Replaced) -> None:
        self._erased = erased
        self._subjects = {contact_subject(key) for key in erased.contacts.values()}
        self._rows = {
            ErasedEventRow(erased.tenant, UUID(contact_id), UUID(digest))
            for contact_id, digests in replaced.items()
            for digest in digests
        }

    @property
    def events(self) -> int:
        """How many events were found so far."""
        return len(self._rows)

    @property
    def replaced(self) -> dict[str, list[str]]:
        """What was found so far, for another attempt."""
        found: dict[str, list[str]] = {}
        for row in sorted(self._rows):
            found.setdefault(str(row.contact_id), []).append(row.digest.hex)
        return found

    async def look(self, connection: Connection) -> list[ContactEvent]:
        """The events that name them and are still there: it reads all events of those contacts that may name others."""
        erased = self._erased
        found: list[ContactEvent] = []
        if erased.naming:
            async with connection.transaction():
                async for page in events_that_may_name(connection, erased.tenant, erased.naming, erased.at):
                    found += [one for one in page if names(one.event, self._subjects)]
        self._rows |= {erased_event(one) for one in found}
        return found

    def in_place_of(self, found: Iterable[ContactEvent]) -> list[Event]:
        """The events that take the place of these; the same ones for whoever finds the same."""
        return leaving_out(self._erased.request_id, self._erased.at, found, self._subjects)

    async def are_gone(self, connection: Connection) -> bool:
        """Whether the timeline and identity have erased all that was found; two look-ups an event."""
        return not self._rows or not await unfolded_events(connection, self._rows)
