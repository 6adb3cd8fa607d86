"""Events as the statements they make, and back: one row an event, whatever was delivered how often."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

import orjson

from projections.engine.metadata import Key
from projections.identity.ports import Identities, Rules
from projections.identity.resolution.evidence import Stamp
from projections.identity.resolution.gather import EvidenceRecord, from_stream
from projections.identity.store import ContactKey
from projections.identity.tables import StatementRow
from schemas.events import Event
from schemas.restatements import RESTATED

NOTHING = "[]"


class Statement(NamedTuple):
    """What one event says, and of whom."""

    who: ContactKey
    contact: str
    event_id: str
    record: EvidenceRecord

    @property
    def cause(self) -> Stamp:
        """The event that states it, or that this restates."""
        restates = self.record.assertions if self.record.type == RESTATED else ()
        return (self.record.occurred_at, restates[0][2] if restates else self.event_id)


class Heard(NamedTuple):
    """What of a chunk is news.

    ``news`` are statements that count from now on, ``overruled`` those that they take the place of: of an event that
    comes with several contents the least counts.
    """

    news: list[Statement]
    overruled: list[Statement]
    repeated: int


async def hear(identities: Identities, statements: Iterable[Statement]) -> Heard:
    """Record the statements."""
    chosen = _choose(statements)
    known = await identities.record([_row(one) for one in chosen.values()]) if chosen else {}
    overruled, again = [], set()
    for key, row in known.items():
        one = chosen[key]
        before = one._replace(record=record_of(row))
        if one.record < before.record:
            overruled.append(before)
        else:
            again.add(key)
    if overruled:
        await identities.replace([_row(chosen[_key(one)]) for one in overruled])
    return Heard([one for key, one in chosen.items() if key not in again], overruled, len(known))


def statements_in(events: Iterable[Event], rules: Rules) -> Iterator[Statement]:
    """What the events that have a contact say, each in its tenant's space."""
    for event in events:
        if event.contact is not None:
            contact, space = event.contact.key, rules.space_of(event.tenant)
            yield Statement((space, rules.id_of(space, contact)), contact, event.event_id, from_stream(event))


def _choose(statements: Iterable[Statement]) -> dict[Key, Statement]:
    chosen: dict[Key, Statement] = {}
    for one in statements:
        known = chosen.setdefault(_key(one), one)
        if one.record < known.record:
            chosen[_key(one)] = one
    return chosen


def _key(one: Statement) -> tuple[str, UUID, str]:
    return (*one.who, one.event_id)


def _row(one: Statement) -> StatementRow:
    at, type_name, source, intrinsic, said = one.record
    return StatementRow(*one.who, one.event_id, at, type_name, source, _json(intrinsic), _json(said))


def _json(said: tuple[tuple[str, ...], ...]) -> str:
    return orjson.dumps(said).decode() if said else NOTHING


def record_of(row: StatementRow) -> EvidenceRecord:
    """What the row keeps of its event."""
    intrinsic = [(type_name, value) for type_name, value in orjson.loads(row.intrinsic)]
    said = [(one, value, how) for one, value, how in orjson.loads(row.said)]
    return EvidenceRecord(row.at, row.type, row.source, tuple(intrinsic), tuple(said))
