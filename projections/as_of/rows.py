"""Which contacts can decide about each other, and the rows that their events up to a time come to (pure).

Two contacts meet at a *value*: an identifier that both ever stated, live or not, or a contact that both named, or that
one of them is. What identity makes of a contact follows from the events of those that it meets, of those that these
meet, and so on. Everything here is folded from such a set by the same functions that fold the whole log.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from projections.as_of.cutoff import Cutoff
from projections.contacts.folds import PROJECTION as CONTACTS
from projections.engine.ids import IdOf
from projections.engine.metadata import Rows, Table, key_of
from projections.engine.projection import ContactEvent, Projection, fold_all
from projections.erasures.folds import horizons
from projections.identity.keys import ResolutionKey
from projections.identity.reference import resolve_log
from projections.identity.resolution.links import CONTACT, MEMBER_ID
from projections.identity.resolution.member_merges import Canonical, canonical_ids
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import EvidenceLog, MemberMerge, record_of, statements_in
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.rules import PolicyInForce
from projections.identity.tables import POLICIES, RESOLUTIONS, PolicyRow, ResolutionRow
from projections.intrinsics.evidence import stated
from projections.intrinsics.folds import add_first
from projections.timeline.messages import counting_events
from schemas.events import Event

MatchedValue = tuple[str, str]  # (type, value as the rules compare it)
_PREFIX: Final = "prefix"


class PolicyThen(NamedTuple):
    """The resolution that was in force, its policy, and the merges of member ids that counted."""

    place: ResolutionKey
    in_force: PolicyInForce
    merges: tuple[MemberMerge, ...]

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.in_force.policy

    def canonical(self) -> Canonical:
        """What member ids were read as."""
        return canonical_ids(self.merges, self.policy)


def values_of(events: Iterable[Event], policy: Policy, canonical: Canonical) -> set[MatchedValue]:
    """The values at which the contacts of these events meet others."""
    found: set[MatchedValue] = set()
    for event in events:
        if event.contact is None:
            continue
        found.add((CONTACT, event.contact.key))
        said = statements_in(event.event_id, record_of(event))
        found.update((CONTACT, one.other) for one in said.decisions)
        for one in said.statements:
            read = normalise(one.type, one.value, policy, intrinsic=one.kind == "intrinsic")
            if isinstance(read, Normalised):
                found.add((one.type, canonical.of(read.value) if one.type == MEMBER_ID else read.value))
    return found


def values_typed(typed: Iterable[tuple[str, str]], policy: Policy, canonical: Canonical) -> list[MatchedValue]:
    """Identifiers that a reader typed, as the rules compare them. What is no value is left out."""
    found: list[MatchedValue] = []
    for kind, value in typed:
        read = normalise(kind, value, policy)
        if isinstance(read, Normalised):
            found.append((kind, canonical.of(read.value) if kind == MEMBER_ID else read.value))
    return found


def log_of_merges(events: Iterable[Event]) -> tuple[MemberMerge, ...]:
    """What the events of a tenant say of member ids that became another's."""
    log = EvidenceLog()
    for event in events:
        log.add(event)
    return tuple(log.member_merges())


def reads_alike(one: Policy, other: Policy) -> bool:
    """Whether two policies read every value alike, so that what one found by a value the other would find too."""
    return _reading(one) == _reading(other)


def identity_at(  # noqa: PLR0913 - an answer follows from that many things
    events: Iterable[ContactEvent],
    tenants: Iterable[Event],
    policy_row: PolicyRow | None,
    then: PolicyThen,
    *,
    id_of: IdOf,
    cutoff: Cutoff,
) -> dict[Table, Rows]:
    """Identity's rows, and a row of each contact of which nothing but the contact itself is complete.

    ``events`` are what contacts stated up to the cutoff with every erasure of theirs, ``tenants`` the events that
    merged member ids. A contact that only has later erasures is not there.
    """
    events = list(events)
    tables = resolve_log([*tenants, *_evidence(events)], {then.place: then.in_force}, id_of)
    tables |= contacts_at([CONTACTS], (one for one in events if cutoff.includes(one.event)))
    if policy_row is not None:
        active = ResolutionRow(*then.place, policy_row.event_id, "active", 0, 0, "")
        tables |= {table: {key_of(table, row): row} for table, row in ((POLICIES, policy_row), (RESOLUTIONS, active))}
    return tables


def contacts_at(projections: Iterable[Projection], events: Iterable[ContactEvent]) -> dict[Table, Rows]:
    """The rows of contacts' read models, from all their events up to a time."""
    counting = counting_events(events)
    folded = {one.table: fold_all(one, counting) for one in projections}
    return {table: {key_of(table, row): row for row in rows} for table, rows in folded.items()}


def _evidence(events: list[ContactEvent]) -> list[Event]:
    """The events that identity is sent, as the worker chooses them."""
    first = add_first({}, events, horizons(events))
    found = [*stated(events), *first.values()]
    return list({(one.contact_id, one.event.event_id): one.event for one in found}.values())


def _reading(policy: Policy) -> tuple[object, ...]:
    prefixed = {name for name, rule in policy.types.items() if rule.exclusive and rule.exclusive.scope == _PREFIX}
    blocked = (frozenset(policy.blocked), frozenset(policy.blocked_member_ids))
    return (policy.default_region, policy.phones, blocked, frozenset(policy.types), prefixed)
