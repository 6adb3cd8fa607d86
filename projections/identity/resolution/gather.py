"""Events to evidence: what each type of event states about identity.

- ``identity.bound`` asserts its identifiers; ``identity.unbound`` retracts them, in both assurances. The linked contact
  is the identifier ``contact:<its key>``, verified;
- an intrinsic identifier is asserted as verified by every event that carries it, whatever the event's type. The log
  has every such event; the stream has only some of them, and restatements (see `schemas.restatements`);
- ``identity.decided`` decides about a pair of contacts; a decision about one contact alone only founds it;
- a contact exists as soon as it has an event of its own, or an identifier or a decision names it. Other events that
  name a contact (``contact.superseded``) state no evidence about it and do not create it;
- an event without a contact states nothing.

Where events of one contact share an event id but not the content, the least record counts, ordered by (occurred_at,
type, source, identifiers, assertions), so the order of arrival does not matter.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

from projections.identity.resolution.evidence import Decision, Evidence, Holding, Pair, Verdict, pair_of
from projections.identity.resolution.links import NormalisedIdentifier
from projections.identity.resolution.values import is_contact_key
from schemas.events import Event
from schemas.events.identity import Binding, StaffDecision
from schemas.restatements import RESTATED, restated_in

BOUND: Final = "identity.bound"
UNBOUND: Final = "identity.unbound"
DECIDED: Final = "identity.decided"
IDENTITY_TYPES: Final = frozenset({BOUND, UNBOUND, DECIDED})
_VERIFIED: Final = "verified"

# (type, value, assurance), or (type, value, id of the restated event), or (other contact, "", verdict)
Assertions = tuple[tuple[str, str, str], ...]


class EvidenceRecord(NamedTuple):
    """What is kept of an event. Of several contents with one event id the least counts."""

    occurred_at: int
    type: str
    source: str
    intrinsic: tuple[NormalisedIdentifier, ...]
    assertions: Assertions


def from_log(event: Event) -> EvidenceRecord:
    """The record of an event that has a contact, as the log has it."""
    intrinsic = tuple(sorted([(one.type, one.value) for one in event.intrinsic])) if event.intrinsic else ()
    assertions = _assertions_of(event) if event.type in IDENTITY_TYPES else ()
    return EvidenceRecord(event.occurred_at, event.type, event.source, intrinsic, assertions)


def from_stream(event: Event) -> EvidenceRecord:
    """The record of an event as the agent "contacts" sent it to the stream, which may be a restatement."""
    one, restatement = from_log(event), restated_in(event)
    if restatement is None:
        return one
    assertions = [(identifier.type, identifier.value, restatement.event_id) for identifier in restatement.identifiers]
    return one._replace(assertions=tuple(assertions))


def to_evidence(events: Mapping[str, Mapping[str, EvidenceRecord]]) -> Evidence:
    """The evidence in records of the stream by contact and event id, one record an event.

    The stream carries only the first event of an intrinsic identifier; later ones arrive as restatements. Which
    other events it carries depends on the order of arrival, so a record here never counts as the last one.
    """
    draft = _Draft(whole=False)
    for contact, records in events.items():
        _state(draft, contact, records)
    return draft.evidence()


def gather(events: Iterable[Event]) -> Evidence:
    """The evidence in all events of one tenant, in any order, with any repeats."""
    gatherer = Gatherer()
    for event in events:
        gatherer.add(event)
    return gatherer.evidence()


class Gatherer:
    """Collects the events of one tenant one by one, then gives their evidence. Not thread-safe."""

    def __init__(self) -> None:
        self._events: dict[str, dict[str, EvidenceRecord]] = {}
        # Equal values share one object: a log repeats few of them millions of times.
        self._words: dict[str, str] = {}
        self._intrinsics: dict[tuple[NormalisedIdentifier, ...], tuple[NormalisedIdentifier, ...]] = {}
        self._assertions: dict[Assertions, Assertions] = {}

    def add(self, event: Event) -> None:
        """Add an event; a repeat changes nothing."""
        if event.contact is None:
            return
        one = self._record_of(event)
        records = self._events.setdefault(event.contact.key, {})
        known = records.setdefault(event.event_id, one)
        if known is not one and one < known:
            records[event.event_id] = one

    def evidence(self) -> Evidence:
        """The evidence of all events so far. The events are dropped on the way, to save memory."""
        draft = _Draft(whole=True)
        while self._events:
            contact, events = self._events.popitem()
            _state(draft, contact, events)
        return draft.evidence()

    def _record_of(self, event: Event) -> EvidenceRecord:
        one, words = from_log(event), self._words
        return EvidenceRecord(
            one.occurred_at,
            words.setdefault(one.type, one.type),
            words.setdefault(one.source, one.source),
            self._intrinsics.setdefault(one.intrinsic, one.intrinsic),
            self._assertions.setdefault(one.assertions, one.assertions),
        )


class _Draft:
    """Evidence under construction. ``whole``: the records are the whole log, so the last intrinsic event is known."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self._contacts: set[str] = set()
        self._holdings: dict[str, dict[NormalisedIdentifier, Holding]] = {}
        self._decisions: dict[Pair, Decision] = {}
        self._first_referenced_at: dict[str, int] = {}

    def exist(self, contact: str) -> None:
        self._contacts.add(contact)

    def hold(self, contact: str, identifier: NormalisedIdentifier, holding: Holding) -> None:
        holdings = self._holdings.setdefault(contact, {})
        known = holdings.get(identifier)
        holdings[identifier] = known.merge(holding) if known else holding
        type_name, value = identifier
        if type_name == "contact" and is_contact_key(value):
            self._contacts.add(value)
            self._first_referenced_at[value] = min(
                holding.first_stated_at, self._first_referenced_at.get(value, holding.first_stated_at)
            )

    def decide(self, pair: Pair, decision: Decision) -> None:
        known = self._decisions.get(pair)
        self._decisions[pair] = known.merge(decision) if known else decision
        self._contacts.update(pair)

    def evidence(self) -> Evidence:
        return Evidence(frozenset(self._contacts), self._holdings, self._decisions, self._first_referenced_at)


def _assertions_of(event: Event) -> Assertions:
    if event.type == DECIDED:
        decision = cast("StaffDecision", event.data)
        return ((decision.other.key, "", decision.decision),)
    data = cast("Binding", event.data)
    assertions = [(one.type, one.value, one.assurance) for one in data.identifiers]
    if data.linked_contact is not None:
        assertions.append(("contact", data.linked_contact.key, _VERIFIED))
    return tuple(assertions)


def _state(draft: _Draft, contact: str, events: Mapping[str, EvidenceRecord]) -> None:
    draft.exist(contact)
    for event_id, (at, type_name, _source, intrinsic, assertions) in events.items():
        stamp = (at, event_id)
        for identifier in intrinsic:
            draft.hold(
                contact,
                identifier,
                Holding(at, stamp, first_intrinsic=stamp, last_intrinsic=stamp if draft.whole else None),
            )
        for one, value, how in assertions:
            if type_name == DECIDED:
                draft.decide(pair_of(contact, one), Decision(at, event_id, cast("Verdict", how), at))
            elif type_name == RESTATED:
                draft.hold(contact, (one, value), Holding(at, (at, how), last_intrinsic=(at, how)))
            elif type_name == UNBOUND:
                draft.hold(contact, (one, value), Holding(at, None, None, None, stamp))
            elif how == _VERIFIED:
                draft.hold(contact, (one, value), Holding(at, stamp, stamp))
            else:
                draft.hold(contact, (one, value), Holding(at, stamp, None, stamp))
