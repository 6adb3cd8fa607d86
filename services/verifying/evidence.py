"""What the contacts said of identity, against what its topic holds: all of it, whatever else it holds.

A chunk's evidence is acknowledged before its rows are committed. So the topic has what committed chunks said, perhaps
several times, and may have what chunks said that are not committed yet.
"""

from collections.abc import Iterable, Iterator

from projections.engine.projection import Happened
from projections.intrinsics.folds import is_earlier, known
from schemas.topics import IDENTITY_EVIDENCE
from services.project.contacts import stated
from services.resolve.core.gather import Kept, kept
from services.verifying.comparing import Comparison, Rows

_Statement = tuple[str, object, str, Kept]  # tenant, contact id, event id, what it says


def compare_evidence(said: Iterable[Happened], intrinsics: Rows, heard: list[Happened]) -> Comparison:
    """Whether everything was heard: each statement, and each intrinsic identifier since its time at the latest."""
    statements, expected = set(_statements(heard)), set(_statements(stated(said)))
    missing = [f"tenant {tenant}, contact {who}: what it stated" for tenant, who, *_ in expected - statements]
    since = known(heard)
    for key, row in intrinsics.items():
        if key not in since or is_earlier(row, since[key]):
            missing.append(f"tenant {key[0]}, contact {key[1]}: what its channel vouches for")
    all_of_it = len(expected) + len(intrinsics)
    difference = f"{min(missing)} is not in the topic" if missing else None
    return Comparison(IDENTITY_EVIDENCE.name, all_of_it, all_of_it - len(missing), difference)


def _statements(happened: Iterable[Happened]) -> Iterator[_Statement]:
    return ((one.event.tenant, one.contact_id, one.event.event_id, kept(one.event)) for one in happened)
