"""One page of a timeline, in either direction from a cursor or around an event."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from projections.timeline import queries
from projections.timeline.queries import Entry, TimelinePosition
from projections.timeline.selects import Addresses
from schemas.events import AccountRef
from services.query.core.errors import NotFound
from services.query.core.timelines import EntryPage, TimelineQuery, newer_page, older_page, page_around
from services.query.handlers.snapshots import Snapshot

_NO_EVENT: Final = "There is no such event in this timeline."


class Timeline(Protocol):
    """The events of one owner at one moment."""

    async def read(self, wanted: TimelineQuery, most_bytes: int) -> list[Entry]:
        """The events next to the query's position, the nearest first; its ``around`` has no effect."""
        ...

    async def position_of(self, event_id: str) -> TimelinePosition | None:
        """Where the event stands, None if it is not in this timeline."""
        ...


@dataclass(frozen=True, slots=True)
class ContactsTimeline:
    """What happened with these contacts, merged. ``addresses`` have the contacts that may echo the same messages."""

    moment: Snapshot
    contact_ids: tuple[UUID, ...]
    addresses: Addresses = ()

    async def read(self, wanted: TimelineQuery, most_bytes: int) -> list[Entry]:
        """As `Timeline` says."""
        return await queries.page(
            self.moment.connection,
            self.moment.tenant,
            self.contact_ids,
            after=wanted.after,
            newer=wanted.newer,
            types=wanted.types,
            limit=wanted.limit,
            most_bytes=most_bytes,
            addresses=self.addresses,
        )

    async def position_of(self, event_id: str) -> TimelinePosition | None:
        """As `Timeline` says."""
        return await queries.position_of(self.moment.connection, self.moment.tenant, self.contact_ids, event_id)


@dataclass(frozen=True, slots=True)
class AccountTimeline:
    """What happened on this account and to no contact."""

    moment: Snapshot
    account: AccountRef

    async def read(self, wanted: TimelineQuery, most_bytes: int) -> list[Entry]:
        """As `Timeline` says."""
        return await queries.account_page(
            self.moment.connection,
            self.moment.tenant,
            self.account,
            after=wanted.after,
            newer=wanted.newer,
            types=wanted.types,
            limit=wanted.limit,
            most_bytes=most_bytes,
        )

    async def position_of(self, event_id: str) -> TimelinePosition | None:
        """As `Timeline` says."""
        return await queries.account_position_of(self.moment.connection, self.moment.tenant, self.account, event_id)


async def read_page(timeline: Timeline, wanted: TimelineQuery, most_bytes: int) -> EntryPage:
    """The page that is asked for. Raises NotFound for a page around an event that the timeline does not have."""
    if wanted.around is not None:
        return await _around(timeline, wanted, wanted.around, most_bytes)
    make = newer_page if wanted.newer else older_page
    return make(wanted.after, await timeline.read(wanted, most_bytes))


async def _around(timeline: Timeline, wanted: TimelineQuery, event_id: str, most_bytes: int) -> EntryPage:
    position = await timeline.position_of(event_id)
    if position is None:
        raise NotFound(_NO_EVENT)
    before, after = wanted.halves(position)
    older = await timeline.read(before, most_bytes // 2)
    newer = await timeline.read(after, most_bytes // 2) if after.limit else None
    return page_around(position, older, newer)
