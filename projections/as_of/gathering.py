"""Gathers the events that decide about some contacts at a time in the past.

From contact to contact, by every value at which they meet, in one snapshot of a generation. A contact whose evidence
says nothing to others any more, because it was taken back since, is found like any other. What was erased since is
not: it counts at no time.
"""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple
from uuid import UUID

from projections.as_of import queries
from projections.as_of.cutoff import Cutoff
from projections.as_of.rows import (
    MatchedValue,
    PolicyThen,
    log_of_merges,
    reads_alike,
    values_of,
    values_typed,
)
from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.projection import ContactEvent
from projections.identity.keys import ResolutionKey
from projections.identity.queries import canonical_of
from projections.identity.resolution.links import CONTACT, MEMBER_ID
from projections.identity.resolutions import ResolutionInUse, policy_of
from projections.identity.rules import DEFAULT_VERSION, PolicyInForce
from projections.identity.tables import PolicyRow
from schemas.events import Event

_MOST_LATER: Final = 5  # contacts that are looked for, for each that there was


class AnswerAbout(NamedTuple):
    """Whom an answer is about: contacts, and the holders of identifiers as they are typed, (type, value)."""

    contacts: frozenset[UUID] = frozenset()
    typed: frozenset[tuple[str, str]] = frozenset()


class Gathered(NamedTuple):
    """Contacts' events that decide about each other, the events that merge member ids, and what was in force.

    ``policy_row`` is None for the default policy.
    """

    events: list[ContactEvent]
    merges: list[Event]
    policy_row: PolicyRow | None
    then: PolicyThen


async def gather(  # noqa: PLR0913 - a question has that many parts
    connection: Connection, active: ResolutionInUse, cutoff: Cutoff, asked: AnswerAbout, *, id_of: IdOf, region: str
) -> Gathered:
    """Everything that an answer follows from. Call it in one snapshot. Raises TooMuchHistory.

    ``active`` is the resolution of now, whose rows say who ever stated what. ``region`` is the phone region of a tenant
    without one of its own.
    """
    merges = await queries.merges_by(connection, active.tenant, cutoff)
    row = await queries.policy_at(connection, active.tenant, cutoff)
    then = _policy_then(active, row, merges, region)
    walk = _Walk(connection, active, cutoff, then, id_of)
    start = asked.contacts | await walk.holders(values_typed(asked.typed, then.policy, walk.canonical))
    if not reads_alike(then.policy, policy_of(active, region)):
        # What is stored by the values of now is not found by those of then.
        start |= await queries.contacts_with_evidence(connection, active.key)
    return Gathered(await walk.follow(start), merges, row, then)


def _policy_then(active: ResolutionInUse, row: PolicyRow | None, merges: Iterable[Event], region: str) -> PolicyThen:
    version = row.event_id if row else DEFAULT_VERSION
    place = ResolutionKey(active.tenant, row.resolution_id if row else DEFAULT_VERSION)
    in_use = active._replace(resolution_id=place.resolution_id, version=version, policy=row.policy if row else None)
    return PolicyThen(place, PolicyInForce(version, policy_of(in_use, region)), log_of_merges(merges))


class _Walk:
    """From contact to contact. ``then`` is what was in force, by which values are read."""

    def __init__(
        self, connection: Connection, active: ResolutionInUse, cutoff: Cutoff, then: PolicyThen, id_of: IdOf
    ) -> None:
        self._connection = connection
        self._active = active
        self._cutoff = cutoff
        self._policy = then.policy
        self.canonical = then.canonical()
        self._id_of = id_of

    async def follow(self, start: AbstractSet[UUID]) -> list[ContactEvent]:
        """What these contacts stated, and those that they meet, and so on."""
        found: list[ContactEvent] = []
        looked_at: set[MatchedValue] = set()
        seen: set[UUID] = set()
        new = start
        while new:
            seen |= new
            events = await self._evidence(new)
            found += events
            self._check_size(seen, {one.contact_id for one in found})
            if len(found) > queries.MOST_EVENTS:
                raise queries.TooMuchHistory(f"More than {queries.MOST_EVENTS:,} events decide who is who here.")
            met = self._values(events) - looked_at
            looked_at |= met
            named = {self._id_of(self._active.tenant, value) for kind, value in met if kind == CONTACT}
            referring = await queries.referring_to(self._connection, self._active.key, new)
            new = (named | referring | await self.holders(met)) - seen
        return found

    async def _evidence(self, contacts: Collection[UUID]) -> list[ContactEvent]:
        if not contacts:
            return []
        return await queries.evidence_of(self._connection, self._active.tenant, self._cutoff, contacts)

    async def holders(self, values: Collection[MatchedValue]) -> set[UUID]:
        """The contacts that ever stated the values. What a contact stated until it was erased is not found."""
        return await queries.holders_of(self._connection, self._active.key, await self._as_stored(values))

    @staticmethod
    def _check_size(seen: Collection[UUID], then: Collection[UUID]) -> None:
        """Bound the contacts that there were ``then``, and those that were only looked for."""
        if len(then) > queries.MOST_CONTACTS or len(seen) > queries.MOST_CONTACTS * _MOST_LATER:
            raise queries.TooMuchHistory(
                f"More than {queries.MOST_CONTACTS:,} contacts share values, one with another."
            )

    def _values(self, events: Iterable[ContactEvent]) -> set[MatchedValue]:
        return values_of((one.event for one in events), self._policy, self.canonical)

    async def _as_stored(self, values: Collection[MatchedValue]) -> list[MatchedValue]:
        """The values as the active resolution has them, which reads member ids by the merges of now."""
        ends = {value for kind, value in values if kind == MEMBER_ID}
        ids = ends | {one for one, end in self.canonical.ids.items() if end in ends}
        found = {(kind, value) for kind, value in values if kind != MEMBER_ID}
        if ids:
            found |= {(MEMBER_ID, one) for one in await canonical_of(self._connection, self._active.key, sorted(ids))}
        return sorted(found)
