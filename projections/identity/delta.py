"""What a chunk changes in identity, as rows: everything that is decided, before anything is written (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from projections.engine.ids import IdOf
from projections.engine.metadata import Key
from projections.engine.touched_ids import Touched
from projections.identity import rows
from projections.identity.decided import Decided
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.holdings import HoldingKey
from projections.identity.resolution.nodes import LiveIdentifier
from projections.identity.state import PLAIN, ContactIdentity, PairState
from projections.identity.tables import (
    CanonicalIdRow,
    ConflictRow,
    ContactStateRow,
    CustomerRow,
    HoldingRow,
    MemberRow,
    PairDecisionRow,
    ReferenceRow,
    SetAsideRow,
    StatusRow,
)
from projections.identity.values_set_aside import ValueSetAside

_CONTACTS_A_PART: Final = 100  # some milliseconds of work


@dataclass(slots=True)
class IdentityDelta:
    """Rows to write and keys to delete, table by table. Each key comes once."""

    canonical_ids: list[CanonicalIdRow] = field(default_factory=list)
    canonical_ids_gone: list[Key] = field(default_factory=list)
    contact_states: list[ContactStateRow] = field(default_factory=list)
    contact_states_gone: list[Key] = field(default_factory=list)
    holdings: list[HoldingRow] = field(default_factory=list)
    holdings_gone: list[Key] = field(default_factory=list)
    statuses: list[StatusRow] = field(default_factory=list)
    statuses_gone: list[Key] = field(default_factory=list)
    references: list[ReferenceRow] = field(default_factory=list)  # of those known, the earlier time stays
    references_anew: list[ReferenceRow] = field(default_factory=list)
    references_gone: list[Key] = field(default_factory=list)
    pairs: list[PairDecisionRow] = field(default_factory=list)
    pairs_gone: list[Key] = field(default_factory=list)
    moves: list[tuple[str, str, UUID, UUID, UUID]] = field(
        default_factory=list
    )  # of a customer, to a component and one
    members: list[MemberRow] = field(default_factory=list)
    members_gone: list[Key] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    customers_gone: list[Key] = field(default_factory=list)
    conflicts: list[ConflictRow] = field(default_factory=list)
    conflicts_gone: list[Key] = field(default_factory=list)
    set_aside: list[SetAsideRow] = field(default_factory=list)
    set_aside_gone: list[Key] = field(default_factory=list)

    def extend(self, other: "IdentityDelta") -> None:
        """Take in what another tenant's, or another resolution's, changes are."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))


def delta_of(place: ResolutionKey, decided: Decided, id_of: IdOf) -> IdentityDelta:
    """What was decided, as rows."""
    delta = IdentityDelta()
    for step in delta_steps(place, decided, id_of):
        for part in step:
            delta.extend(part)
    return delta


def delta_steps(place: ResolutionKey, decided: Decided, id_of: IdOf) -> Sequence[Iterable[IdentityDelta]]:
    """The same in three steps, each in parts that are built one by one. No table is in two steps.

    So a step can be saved while the next one is built.
    """
    return _DeltaBuilder(place, decided, id_of).steps()


def touched_by(delta: IdentityDelta) -> Touched:
    """The contacts and the customers, old and new, of one tenant, of which the delta changes what readers see."""
    gone = (*delta.contact_states_gone, *delta.members_gone, *delta.holdings_gone, *delta.conflicts_gone)
    touched = Touched({contact_id for _, _, contact_id, *_ in gone})
    touched.contacts.update(row.contact_id for row in delta.members)
    touched.contacts.update(row.contact_id for row in delta.contact_states)
    touched.contacts.update(row.contact_id for row in delta.holdings)
    touched.contacts.update(row.contact_id for row in delta.conflicts)
    touched.customers.update(row.customer_id for row in delta.customers)
    touched.customers.update(row.customer_id for row in delta.members if row.customer_id is not None)
    touched.customers.update(customer_id for _, _, customer_id in delta.customers_gone)
    for _, _, customer_id, _, to_customer in delta.moves:
        touched.customers.update((customer_id, to_customer))
    return touched


class _DeltaBuilder:
    def __init__(self, place: ResolutionKey, decided: Decided, id_of: IdOf) -> None:
        self.place = place
        self.tenant = place[0]
        self.decided = decided
        self.id_of = id_of
        self.delta = IdentityDelta()

    def steps(self) -> Sequence[Iterable[IdentityDelta]]:
        others = (self._merges, self._references, self._refused, self._set_aside)
        return (self._parts(self._nodes), self._contacts(), self._parts(*others))

    def _parts(self, *builders: Callable[[], None]) -> Iterator[IdentityDelta]:
        for build in builders:
            build()
            yield self._taken()

    def _taken(self) -> IdentityDelta:
        """What was built since it was called last."""
        taken, self.delta = self.delta, IdentityDelta()
        return taken

    def _id(self, contact: str) -> UUID:
        return self.id_of(self.tenant, contact)

    def _merges(self) -> None:
        for member_id, row in self.decided.updates.merges.items():
            if row is None:
                self.delta.canonical_ids_gone.append((*self.place, member_id))
            else:
                self.delta.canonical_ids.append(CanonicalIdRow(*self.place, *row))

    def _contacts(self) -> Iterator[IdentityDelta]:
        for number, (contact, (before, after)) in enumerate(self.decided.updates.contacts.items(), 1):
            if before != after:
                self._contact(contact, before, after)
            if number % _CONTACTS_A_PART == 0:
                yield self._taken()
        yield self._taken()

    def _contact(self, contact: str, before: ContactIdentity, after: ContactIdentity) -> None:
        contact_id = self._id(contact)
        if not after.known:
            self.delta.contact_states_gone.append((*self.place, contact_id))
        elif not before.known or rows.differ_in_row(before, after):
            self.delta.contact_states.append(rows.contact_state_row(self.place, contact_id, after))
        live = self.decided.affected.live.get(contact)
        if live is not None:
            self._holdings(contact_id, before, after, live)

    def _holdings(
        self,
        contact_id: UUID,
        before: ContactIdentity,
        after: ContactIdentity,
        live: Mapping[HoldingKey, LiveIdentifier],
    ) -> None:
        live_before = before.links if not before.unlinked else {**before.links, **before.unlinked}
        for key, holding in after.holdings.items():
            if before.holdings.get(key) != holding or live_before.get(key) != live.get(key):
                row = rows.holding_row(self.place, contact_id, key, holding, live.get(key))
                self.delta.holdings.append(row)
        gone = before.holdings.keys() - after.holdings.keys()
        self.delta.holdings_gone.extend((*self.place, contact_id, *key) for key in gone)

    def _references(self) -> None:
        updates, delta = self.decided.updates, self.delta
        for references, known in (
            (updates.references, delta.references),
            (updates.references_anew, delta.references_anew),
        ):
            for (named, by), at in references.items():
                known.append(ReferenceRow(*self.place, self._id(named), self._id(by), named, by, at))
        for named, by in updates.references_gone:
            delta.references_gone.append((*self.place, self._id(named), self._id(by)))
        for (by, other), state in updates.pairs.items():
            if state is None:
                delta.pairs_gone.append((*self.place, self._id(by), self._id(other)))
            else:
                delta.pairs.append(_pair_row(self.place, self._id(by), self._id(other), state))

    def _nodes(self) -> None:
        delta, decided = self.delta, self.decided
        for founder, component, to_founder in decided.moves:
            to_component = rows.component_id(self.id_of, self.tenant, component)
            delta.moves.append((*self.place, self._id(founder), to_component, self._id(to_founder)))
        for (contact, session), one in decided.nodes.items():
            key = (*self.place, self._id(contact), session)
            if one is None:
                delta.members_gone.append(key)
                continue
            customer_id = self._id(one.customer) if one.customer is not None else None
            component_id = rows.component_id(self.id_of, self.tenant, one.component)
            features = rows.features_text(one.features)
            delta.members.append(
                MemberRow(*key, contact, customer_id, component_id, one.current, one.by_claim, features)
            )
        for identifier, status in decided.statuses.items():
            columns = (*self.place, *rows.identifier_columns(identifier))
            if status == PLAIN:
                delta.statuses_gone.append(columns)
            else:
                delta.statuses.append(StatusRow(*columns, rows.status_text(status)))
        for founder, customer in decided.customers.items():
            if customer is None:
                delta.customers_gone.append((*self.place, self._id(founder)))
            else:
                delta.customers.append(rows.customer_row(self.place, self._id(founder), customer))

    def _refused(self) -> None:
        known = self.decided.refused_before
        for node, refused in self.decided.refused.items():
            contact_id = self._id(node[0])
            then = {
                row[:7]: row for row in (rows.conflict_row(self.place, contact_id, one) for one in known.get(node, ()))
            }
            for one in refused:
                row = rows.conflict_row(self.place, contact_id, one)
                if then.pop(row[:7], None) != row:
                    self.delta.conflicts.append(row)
            self.delta.conflicts_gone.extend(then)

    def _set_aside(self) -> None:
        updates = self.decided.updates
        self.delta.set_aside.extend(self._set_aside_row(one) for one in updates.set_aside)
        self.delta.set_aside_gone.extend(self._set_aside_row(one)[:5] for one in updates.set_aside_gone)

    def _set_aside_row(self, one: ValueSetAside) -> SetAsideRow:
        return rows.set_aside_row(self.place, self._id(one.contact), one)


def _pair_row(place: ResolutionKey, by_id: UUID, other_id: UUID, state: PairState) -> PairDecisionRow:
    by, other, at, event_id, verdict, by_session, other_session = state
    return PairDecisionRow(*place, by_id, other_id, by, other, at, event_id, verdict, by_session, other_session)
