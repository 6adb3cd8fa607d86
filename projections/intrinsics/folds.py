"""Intrinsic identifiers can't be retracted, so all there is to know of one is since when it is known: a minimum.

It is taken over everything delivered, repeats and all, so it needs no history.
"""

from collections.abc import Iterable

from projections.engine.projection import Happened
from projections.engine.table import Key, Row
from projections.intrinsics.tables import IntrinsicRow

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
            if known is None or event.occurred_at < known[0][-1]:
                found[key] = (IntrinsicRow(*key, event.occurred_at), one)
    return found
