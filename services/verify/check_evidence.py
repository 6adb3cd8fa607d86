"""Checks that the evidence topic holds everything that the channel events say about identity.

The evidence of a chunk is acknowledged before its rows are committed. So the topic has the evidence of every committed
chunk, perhaps more than once, and may have some of chunks that are not committed yet.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from projections.engine.metadata import Key, Rows
from projections.engine.projection import ContactEvent
from projections.identity.resolution.gather import EvidenceRecord, from_log
from projections.intrinsics.evidence import stated
from projections.intrinsics.folds import rows_of, several
from projections.intrinsics.tables import IntrinsicRow
from schemas.events.base import EARLIEST_MS, LATEST_MS, Stamp
from schemas.restatements import restated_in
from schemas.topics import IDENTITY_EVIDENCE
from services.verify.comparing import TableComparison

_EARLY: Final = (EARLIEST_MS - 1, "")
_LATE: Final = (LATEST_MS + 1, "")
_Assertion = tuple[str, object, str, EvidenceRecord]  # tenant, contact id, event id, what the event states


def compare_evidence(log: Iterable[ContactEvent], intrinsics: Rows, evidence: list[ContactEvent]) -> TableComparison:
    """Compares the topic's ``evidence`` with the channel events of the ``log``.

    The topic must hold every statement, the first event of each intrinsic identifier and, where a contact has several
    identifiers of a type, the last event of each. ``intrinsics`` are the rows that the log's events give.
    """
    expected, found = set(_assertions(stated(log))), set(_assertions(evidence))
    missing = [f"tenant {tenant}, contact {contact}: a statement" for tenant, contact, *_ in expected - found]
    unseen, number = _missing_sightings(intrinsics, evidence)
    missing += [f"tenant {tenant}, contact {contact}: an intrinsic identifier" for tenant, contact, *_ in unseen]
    difference = f"{min(missing)} is not in the topic" if missing else None
    number += len(expected)
    return TableComparison(IDENTITY_EVIDENCE.name, number, number - len(missing), difference)


def _missing_sightings(intrinsics: Rows, evidence: list[ContactEvent]) -> tuple[list[Key], int]:
    """The identifiers whose first or last event is missing, and how many events should be there."""
    rows = {key: IntrinsicRow(*row) for key, row in intrinsics.items()}
    first = {key: row.first for key, row in rows.items() if row.first is not None}
    last = {key: row.last for key, row in several(rows).items() if row.last is not None}
    found_first, found_last = _first_sightings(evidence), last_restatements(evidence)
    missing = [key for key, stamp in first.items() if stamp < found_first.get(key, _LATE)]
    missing += [key for key, stamp in last.items() if stamp > found_last.get(key, _EARLY)]
    return missing, len(first) + len(last)


def _first_sightings(evidence: Iterable[ContactEvent]) -> dict[Key, Stamp]:
    return {key: row.first for key, row in rows_of(evidence).items() if row.first is not None}


def last_restatements(evidence: Iterable[ContactEvent]) -> dict[Key, Stamp]:
    """For each identifier, the stamp of the last event that a restatement names."""
    found: dict[Key, Stamp] = {}
    for one in evidence:
        restatement = restated_in(one.event)
        if restatement is None:
            continue
        stamp = (one.event.occurred_at, restatement.event_id)
        for identifier in restatement.identifiers:
            key = (one.event.tenant, one.contact_id, identifier.type, identifier.value)
            found[key] = max(stamp, found.get(key, stamp))
    return found


def _assertions(events: Iterable[ContactEvent]) -> Iterator[_Assertion]:
    return ((one.event.tenant, one.contact_id, one.event.event_id, from_log(one.event)) for one in events)
