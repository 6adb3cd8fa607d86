"""Intrinsic identifiers can't be retracted, so all there is to know of one is its first event: a minimum.

It is taken over everything delivered, repeats and all, so it needs no history.
"""

from collections.abc import Iterable

from projections.engine.projection import Happened
from projections.engine.table import Key, Row
from projections.intrinsics.tables import TABLE, IntrinsicRow

Earliest = dict[Key, tuple[Row, Happened]]


def known(happened: Iterable[Happened]) -> dict[Key, Row]:
    """Every row that the events come to."""
    about = (one for one in happened if one.event.contact is not None)
    return {key: row for key, (row, _) in earliest(about).items()}


def earliest(happened: Iterable[Happened]) -> Earliest:
    """Each intrinsic identifier's row, with the event that says it first."""
    found: Earliest = {}
    for one in happened:
        event = one.event
        for identifier in event.intrinsic:
            key = (event.tenant, one.contact_id, identifier.type, identifier.value)
            known = found.get(key)
            row = IntrinsicRow(*key, *event.stamp)
            if known is None or is_earlier(row, known[0]):
                found[key] = (row, one)
    return found


def is_earlier(one: Row, other: Row) -> bool:
    """Whether it comes before another row of the same identifier."""
    return one[TABLE.key_size :] < other[TABLE.key_size :]
