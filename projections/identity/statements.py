"""Events as statements about identity, one an event, and which of a chunk's statements are new."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from projections.identity.keys import ContactKey, StatementKey
from projections.identity.resolution.gather import DECIDED, EvidenceRecord, from_stream
from projections.identity.resolution.values import is_contact_key
from projections.identity.rules import Rules
from projections.identity.tables import StatementRow
from schemas.events import Event
from schemas.events.base import Stamp
from schemas.restatements import RESTATED

_NO_ITEMS = "[]"


class Statement(NamedTuple):
    """What one event states, and the contact that states it."""

    contact_id: ContactKey
    contact: str
    event_id: str
    record: EvidenceRecord

    @property
    def key(self) -> StatementKey:
        """What a repeat of the statement has in common with it."""
        return (*self.contact_id, self.event_id)

    @property
    def cause(self) -> Stamp:
        """The stamp of the event that states it; of a restatement, that of the restated event."""
        restated = self.record.assertions if self.record.type == RESTATED else ()
        return (self.record.occurred_at, restated[0][2] if restated else self.event_id)

    @property
    def others(self) -> list[str]:
        """The keys of the other contacts that it is about."""
        if self.record.type == DECIDED:
            found = [other for other, _, _ in self.record.assertions]
        else:
            found = [value for type_name, value, _ in self.record.assertions if type_name == "contact"]
        found += [value for type_name, value in self.record.intrinsic if type_name == "contact"]
        return [contact for contact in found if is_contact_key(contact)]


class Recorded(NamedTuple):
    """A chunk's statements against the stored ones.

    ``new`` count from now on. Some of them take the place of stored statements, the ``superseded`` ones: of several
    contents with one event id, the least counts.
    """

    new: list[Statement]
    superseded: list[Statement]

    @property
    def unseen(self) -> int:
        """The number of events that were never seen before."""
        return len(self.new) - len(self.superseded)

    def rows(self, rules: Rules) -> tuple[list[StatementRow], list[StatementRow]]:
        """The rows to insert and those to replace."""
        replaced = {one.key for one in self.superseded}
        rows: tuple[list[StatementRow], list[StatementRow]] = ([], [])
        for one in self.new:
            rows[one.key in replaced].append(_row(one, rules))
        return rows


def statements_in(events: Iterable[Event], rules: Rules) -> Iterator[Statement]:
    """What the events that have a contact state."""
    for event in events:
        if event.contact is not None:
            contact = event.contact.key
            contact_id = (event.tenant, rules.id_of(event.tenant, contact))
            yield Statement(contact_id, contact, event.event_id, from_stream(event))


def distinct(statements: Iterable[Statement]) -> dict[StatementKey, Statement]:
    """One statement an event: of several contents the least."""
    chosen: dict[StatementKey, Statement] = {}
    for one in statements:
        known = chosen.setdefault(one.key, one)
        if one.record < known.record:
            chosen[one.key] = one
    return chosen


def record_evidence(chosen: Mapping[StatementKey, Statement], stored: Mapping[StatementKey, StatementRow]) -> Recorded:
    """Which of the chosen statements are new, given the stored ones of the same keys."""
    new, superseded = [], []
    for key, one in chosen.items():
        row = stored.get(key)
        before = one._replace(record=record_of(row)) if row is not None else None
        if before is None:
            new.append(one)
        elif one.record < before.record:
            new.append(one)
            superseded.append(before)
    return Recorded(new, superseded)


def _row(one: Statement, rules: Rules) -> StatementRow:
    tenant, contact_id = one.contact_id
    at, type_name, source, intrinsic, assertions = one.record
    place = (tenant, rules.resolution_of(tenant), contact_id, one.event_id)
    return StatementRow(*place, at, type_name, source, _json(intrinsic), _json(assertions))


def _json(items: tuple[tuple[str, ...], ...]) -> str:
    return orjson.dumps(items).decode() if items else _NO_ITEMS


def record_of(row: StatementRow) -> EvidenceRecord:
    """The record of an event that the row keeps."""
    intrinsic = [(type_name, value) for type_name, value in orjson.loads(row.intrinsic)]
    assertions = [(one, value, how) for one, value, how in orjson.loads(row.assertions)]
    return EvidenceRecord(row.at, row.type, row.source, tuple(intrinsic), tuple(assertions))
