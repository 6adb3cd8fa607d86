"""Canonical events to evidence: what each type of event says about who is who.

- ``identity.bound`` asserts its identifiers; ``identity.unbound`` retracts them, in both assurances; their linked
  contact is the identifier ``contact:<its key>``, verified;
- an intrinsic identifier rides on any event, of a known type or not, which asserts it as verified. Whoever has the
  whole log has every such event; the stream has only those that are told it, and restatements (`schemas.restatements`);
- ``identity.decided`` decides of a pair of contacts; a decision about oneself only founds the contact;
- a contact exists as soon as an event is its own, or an identifier or a decision names it. Other events that name a
  contact (``contact.superseded``) state no evidence about it and don't create it;
- an event without a contact states nothing.

One event id, one event: where a contact's event comes again with other content, the least by (occurred_at, type,
source, what it says of identity) counts, so that the order of arrival does not.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

from projections.identity.resolution.evidence import Decision, Evidence, Holding, Pair, Verdict, pair_of
from projections.identity.resolution.links import Identifier
from projections.identity.resolution.values import is_contact_key
from schemas.events import Event
from schemas.events.identity import Binding
from schemas.events.identity import Decision as DecisionData
from schemas.restatements import RESTATED, restated_in

BOUND: Final = "identity.bound"
UNBOUND: Final = "identity.unbound"
DECIDED: Final = "identity.decided"
IDENTITY_TYPES: Final = frozenset({BOUND, UNBOUND, DECIDED})
_VERIFIED: Final = "verified"

# (type, value, assurance), or (type, value, id of the event that is restated), or (other contact, "", verdict)
Said = tuple[tuple[str, str, str], ...]


class Kept(NamedTuple):
    """What is remembered of an event; of its repeats the least counts."""

    occurred_at: int
    type: str
    source: str
    intrinsic: tuple[Identifier, ...]
    said: Said


def kept(event: Event) -> Kept:
    """What is remembered of an event that has a contact."""
    intrinsic = tuple(sorted([(one.type, one.value) for one in event.intrinsic])) if event.intrinsic else ()
    said = _said(event) if event.type in IDENTITY_TYPES else ()
    return Kept(event.occurred_at, event.type, event.source, intrinsic, said)


def told(event: Event) -> Kept:
    """What is remembered of an event that the agent of the contacts told."""
    one, restatement = kept(event), restated_in(event)
    if restatement is None:
        return one
    said = [(identifier.type, identifier.value, restatement.event_id) for identifier in restatement.identifiers]
    return one._replace(said=tuple(said))


def stated(events: Mapping[str, Mapping[str, Kept]]) -> Evidence:
    """The evidence in what was told, of which the one that counts was already chosen, by contact and event id.

    Which events are told for their intrinsic identifiers, beside the first, depends on the order in which they came:
    so each is the first as far as one knows, and the last is what restatements say.
    """
    draft = _Draft(whole=False)
    for contact, of_contact in events.items():
        _state(draft, contact, of_contact)
    return draft.evidence()


def gather(events: Iterable[Event]) -> Evidence:
    """The evidence in all of one tenant's events, in whatever order and however often each comes."""
    gatherer = Gatherer()
    for event in events:
        gatherer.add(event)
    return gatherer.evidence()


class Gatherer:
    """Takes one tenant's events one by one, then gives their evidence. Not shared between threads."""

    def __init__(self) -> None:
        self._events: dict[str, dict[str, Kept]] = {}
        # One object for each value that comes again and again.
        self._words: dict[str, str] = {}
        self._vouched: dict[tuple[Identifier, ...], tuple[Identifier, ...]] = {}
        self._says: dict[Said, Said] = {}

    def add(self, event: Event) -> None:
        """Take an event in; a repeat changes nothing."""
        if event.contact is None:
            return
        one = self._kept(event)
        of_contact = self._events.setdefault(event.contact.key, {})
        known = of_contact.setdefault(event.event_id, one)
        if known is not one and one < known:
            of_contact[event.event_id] = one

    def evidence(self) -> Evidence:
        """The evidence of all events so far, which are forgotten: both together would fill the memory."""
        draft = _Draft(whole=True)
        while self._events:
            contact, events = self._events.popitem()
            _state(draft, contact, events)
        return draft.evidence()

    def _kept(self, event: Event) -> Kept:
        one, words = kept(event), self._words
        return Kept(
            one.occurred_at,
            words.setdefault(one.type, one.type),
            words.setdefault(one.source, one.source),
            self._vouched.setdefault(one.intrinsic, one.intrinsic),
            self._says.setdefault(one.said, one.said),
        )


class _Draft:
    """Evidence while it grows. Of the ``whole`` log, an event with an intrinsic identifier may be the last one."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self._contacts: set[str] = set()
        self._holdings: dict[str, dict[Identifier, Holding]] = {}
        self._decisions: dict[Pair, Decision] = {}
        self._named: dict[str, int] = {}

    def exist(self, contact: str) -> None:
        self._contacts.add(contact)

    def hold(self, contact: str, identifier: Identifier, holding: Holding) -> None:
        holdings = self._holdings.setdefault(contact, {})
        known = holdings.get(identifier)
        holdings[identifier] = known.merge(holding) if known else holding
        type_name, value = identifier
        if type_name == "contact" and is_contact_key(value):
            self._contacts.add(value)
            self._named[value] = min(holding.stated, self._named.get(value, holding.stated))

    def decide(self, pair: Pair, decision: Decision) -> None:
        known = self._decisions.get(pair)
        self._decisions[pair] = known.merge(decision) if known else decision
        self._contacts.update(pair)

    def evidence(self) -> Evidence:
        return Evidence(frozenset(self._contacts), self._holdings, self._decisions, self._named)


def _said(event: Event) -> Said:
    if event.type == DECIDED:
        decision = cast("DecisionData", event.data)
        return ((decision.other.key, "", decision.decision),)
    data = cast("Binding", event.data)
    said = [(one.type, one.value, one.assurance) for one in data.identifiers]
    if data.linked_contact is not None:
        said.append(("contact", data.linked_contact.key, _VERIFIED))
    return tuple(said)


def _state(draft: _Draft, contact: str, events: Mapping[str, Kept]) -> None:
    draft.exist(contact)
    for event_id, (at, type_name, _source, intrinsic, said) in events.items():
        stamp = (at, event_id)
        for identifier in intrinsic:
            draft.hold(contact, identifier, Holding(at, stamp, vouched=stamp, restated=stamp if draft.whole else None))
        for one, value, how in said:
            if type_name == DECIDED:
                draft.decide(pair_of(contact, one), Decision(at, event_id, cast("Verdict", how), at))
            elif type_name == RESTATED:
                draft.hold(contact, (one, value), Holding(at, (at, how), restated=(at, how)))
            elif type_name == UNBOUND:
                draft.hold(contact, (one, value), Holding(at, None, None, None, stamp))
            elif how == _VERIFIED:
                draft.hold(contact, (one, value), Holding(at, stamp, stamp))
            else:
                draft.hold(contact, (one, value), Holding(at, stamp, None, stamp))
