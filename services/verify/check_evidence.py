"""Checks that the evidence topic holds everything that the channel events say about identity.

The evidence of a chunk is acknowledged before its rows are committed. So the topic has the evidence of every committed
chunk, perhaps more than once, and may have some of chunks that are not committed yet.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from projections.engine.metadata import Rows
from projections.engine.projection import ContactEvent
from projections.identity.resolution.statements import EventRecord, record_of
from projections.intrinsics.evidence import stated
from projections.intrinsics.folds import keys_of, vouching
from projections.intrinsics.tables import IntrinsicRow
from schemas.topics import IDENTITY_EVIDENCE
from services.verify.comparing import TableComparison

_EventKey = tuple[str, UUID, str]  # tenant, contact id, event id


def compare_evidence(
    log: Iterable[ContactEvent], intrinsics: Rows, evidence: Iterable[ContactEvent]
) -> TableComparison:
    """Compares the topic's ``evidence`` with the channel events of the ``log``, of each the copy that counts.

    The topic must hold every event that is about identity by its type, every login on a browser, and the first event of
    each intrinsic identifier; of events in it, the copy that counts. ``intrinsics`` are the rows that the log gives.
    """
    log, evidence = list(log), list(evidence)
    found = _least(evidence)
    expected = {_key_of(one) for one in stated(log)}
    missing = [f"{_name(key)}: an event about identity" for key in expected - found.keys()]
    overruled = [key for one in log if (key := _key_of(one)) in found and found[key] > record_of(one.event)]
    missing += [f"{_name(key)}: the copy of an event that counts" for key in overruled]
    missing += [f"{_name(key)}: an intrinsic identifier" for key in _missing_firsts(intrinsics, evidence)]
    number = len(expected) + len(intrinsics)
    difference = f"{min(missing)} is not in the topic" if missing else None
    return TableComparison(IDENTITY_EVIDENCE.name, number, number - len(missing), difference)


def is_ahead(log: Iterable[ContactEvent], evidence: Iterable[ContactEvent]) -> bool:
    """Whether the ``evidence`` has events that are not in the ``log``: a chunk sent it and is not committed yet."""
    known = {(*_key_of(one), one.event.occurred_at) for one in log}
    return not known.issuperset((*_key_of(one), one.event.occurred_at) for one in evidence)


def _least(events: Iterable[ContactEvent]) -> dict[_EventKey, EventRecord]:
    """Of each event's copies the least, which counts."""
    found: dict[_EventKey, EventRecord] = {}
    for one in events:
        key, record = _key_of(one), record_of(one.event)
        found[key] = min(record, found.get(key, record))
    return found


def _missing_firsts(intrinsics: Rows, evidence: Iterable[ContactEvent]) -> Iterator[_EventKey]:
    found = {(*key, *one.event.stamp) for one in vouching(evidence) for key in keys_of(one)}
    for row in (IntrinsicRow(*one) for one in intrinsics.values()):
        if tuple(row) not in found:
            yield (row.tenant, row.contact_id, row.since_id)


def _key_of(one: ContactEvent) -> _EventKey:
    return (one.event.tenant, one.contact_id, one.event.event_id)


def _name(key: _EventKey) -> str:
    return f"tenant {key[0]}, contact {key[1]}"
