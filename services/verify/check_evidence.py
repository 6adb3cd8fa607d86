"""What the contacts said of identity, against what its topic holds: all of it, whatever else it holds.

A chunk's evidence is acknowledged before its rows are committed. So the topic has what committed chunks said, perhaps
several times, and may have what chunks said that are not committed yet.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from projections.engine.metadata import Key
from projections.engine.projection import ContactEvent
from projections.identity.resolution.gather import EvidenceRecord, from_log
from projections.intrinsics.evidence import stated
from projections.intrinsics.folds import rows_of, several
from projections.intrinsics.tables import IntrinsicRow, Stamp
from schemas.events.base import EARLIEST_MS, LATEST_MS
from schemas.restatements import restated_in
from schemas.topics import IDENTITY_EVIDENCE
from services.verify.comparing import Comparison, Rows

_EARLY: Final = (EARLIEST_MS - 1, "")
_LATE: Final = (LATEST_MS + 1, "")
_Statement = tuple[str, object, str, EvidenceRecord]  # tenant, contact id, event id, what it says


def compare_evidence(said: Iterable[ContactEvent], intrinsics: Rows, heard: list[ContactEvent]) -> Comparison:
    """Whether everything was heard: each statement, and each intrinsic identifier's first event and, of several, last.

    ``intrinsics`` are the rows of all that was said.
    """
    statements, expected = set(_statements(heard)), set(_statements(stated(said)))
    missing = [f"tenant {tenant}, contact {who}: what it stated" for tenant, who, *_ in expected - statements]
    unheard, all_of_it = _unheard(intrinsics, heard)
    missing += [f"tenant {tenant}, contact {who}: what its channel vouches for" for tenant, who, *_ in unheard]
    difference = f"{min(missing)} is not in the topic" if missing else None
    all_of_it += len(expected)
    return Comparison(IDENTITY_EVIDENCE.name, all_of_it, all_of_it - len(missing), difference)


def _unheard(intrinsics: Rows, heard: list[ContactEvent]) -> tuple[list[Key], int]:
    """Of which identifiers the first event, or the last, was not heard; and how many should have been."""
    rows = {key: IntrinsicRow(*row) for key, row in intrinsics.items()}
    first = {key: row.first for key, row in rows.items() if row.first is not None}
    last = {key: row.last for key, row in several(rows).items() if row.last is not None}
    firsts, lasts = _firsts(heard), restated(heard)
    unheard = [key for key, stamp in first.items() if stamp < firsts.get(key, _LATE)]
    unheard += [key for key, stamp in last.items() if stamp > lasts.get(key, _EARLY)]
    return unheard, len(first) + len(last)


def _firsts(heard: Iterable[ContactEvent]) -> dict[Key, Stamp]:
    return {key: row.first for key, row in rows_of(heard).items() if row.first is not None}


def restated(heard: Iterable[ContactEvent]) -> dict[Key, Stamp]:
    """The last event that is known to have restated each identifier."""
    found: dict[Key, Stamp] = {}
    for one in heard:
        restatement = restated_in(one.event)
        for identifier in restatement.identifiers if restatement else ():
            key = (one.event.tenant, one.contact_id, identifier.type, identifier.value)
            stamp = (one.event.occurred_at, restatement.event_id if restatement else "")
            found[key] = max(stamp, found.get(key, stamp))
    return found


def _statements(happened: Iterable[ContactEvent]) -> Iterator[_Statement]:
    return ((one.event.tenant, one.contact_id, one.event.event_id, from_log(one.event)) for one in happened)
