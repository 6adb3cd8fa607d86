"""A chunk's events as records, and which of them are new evidence (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from projections.identity.resolution.links import CONTACT
from projections.identity.resolution.statements import (
    Decision,
    EventRecord,
    MemberMerge,
    Statement,
    statements_in,
)
from projections.identity.resolution.values import is_contact_key
from schemas.events.base import Stamp

Records = Mapping[str, EventRecord]  # of one contact, by event id
RecordsByContact = Mapping[str, Records]


@dataclass(frozen=True)
class NewEvidence:
    """What of one tenant's chunk counts from now on, and what it takes the place of, by contact and event id.

    An event that comes with several contents counts as the least of them, so a later copy may overrule an earlier one.
    ``merges`` are all that was ever stated of the member ids in ``remerged``: those of which the chunk says what they
    became, and those of which a copy that no longer counts stated it. Both are as they were stated.
    ``erased`` are the latest erasures of contacts of which the chunk erases something. What was known of their events
    up to then is among ``overruled``. ``listing`` are events that erase single events of a contact.
    """

    new: RecordsByContact
    overruled: RecordsByContact
    merges: tuple[MemberMerge, ...] = ()
    remerged: frozenset[str] = frozenset()
    erased: Mapping[str, Stamp] = field(default_factory=dict)
    listing: Mapping[str, Stamp] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.remerged or self.erased)

    def erasing(
        self, erased: Mapping[str, Stamp], overruled: RecordsByContact, listing: Mapping[str, Stamp]
    ) -> "NewEvidence":
        """With contacts that are erased, the events of theirs that counted so far, and what erases single ones."""
        together = {
            contact: {**self.overruled.get(contact, {}), **overruled.get(contact, {})}
            for contact in self.overruled.keys() | overruled.keys()
        }
        return replace(self, overruled=together, erased=erased, listing=listing)

    @cached_property
    def statements(self) -> dict[str, "ContactStatements"]:
        """What the new events state, by contact."""
        return {contact: statements_by(records) for contact, records in self.new.items()}


def find_new_evidence(records: RecordsByContact, known: Mapping[tuple[str, str], EventRecord]) -> NewEvidence:
    """The new evidence in a chunk's records, by what is ``known`` of the same (contact, event id)."""
    new: dict[str, dict[str, EventRecord]] = {}
    overruled: dict[str, dict[str, EventRecord]] = {}
    for contact, of_contact in records.items():
        for event_id, record in of_contact.items():
            before = known.get((contact, event_id))
            if before is None or record < before:
                new.setdefault(contact, {})[event_id] = record
            if before is not None and record < before:
                overruled.setdefault(contact, {})[event_id] = before
    return NewEvidence(new, overruled)


class ContactStatements(NamedTuple):
    """All that some of a contact's events say; ``named`` are the other contacts that it is about."""

    statements: tuple[Statement, ...] = ()
    decisions: tuple[Decision, ...] = ()
    named: frozenset[str] = frozenset()

    @property
    def has_evidence(self) -> bool:
        """Whether there is anything in them about who is who."""
        return bool(self.statements or self.decisions)

    @property
    def naming(self) -> Iterator[tuple[str, int]]:
        """The other contacts that it is about, each with a time."""
        yield from ((one.value, one.at) for one in self.statements if one.type == CONTACT)
        yield from ((one.other, one.at) for one in self.decisions)

    def outliving(self, erased: Mapping[str, Stamp], contact: str) -> "ContactStatements":
        """Without what an erasure of the contact itself, or of the one that is named, takes back."""
        if not erased or all(erased.get(whose) is None for whose in (contact, *self.named)):
            return self

        def counts(whose: str, stamp: Stamp) -> bool:
            end = erased.get(whose)
            return end is None or stamp > end

        return _statements(
            [
                one
                for one in self.statements
                if counts(contact, one.stamp) and not (one.type == CONTACT and not counts(one.value, one.stamp))
            ],
            [
                one
                for one in self.decisions
                if counts(contact, (one.at, one.event_id)) and counts(one.other, (one.at, one.event_id))
            ],
        )


def statements_by(records: Records) -> ContactStatements:
    """What the events of one contact say."""
    statements: list[Statement] = []
    decisions: list[Decision] = []
    for event_id, record in records.items():
        said = statements_in(event_id, record)
        statements.extend(said.statements)
        decisions.extend(said.decisions)
    return _statements(statements, decisions)


def _statements(statements: Iterable[Statement], decisions: Iterable[Decision]) -> ContactStatements:
    statements, decisions = tuple(statements), tuple(decisions)
    named = [one.value for one in statements if one.type == CONTACT and is_contact_key(one.value)]
    return ContactStatements(statements, decisions, frozenset([*named, *(one.other for one in decisions)]))
