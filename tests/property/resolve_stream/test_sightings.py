"""What a contact's channel vouches for reaches identity only where it is known from no earlier time."""

import asyncio
from collections.abc import Iterable
from itertools import permutations

from projections.engine.projection import Happened
from projections.engine.table import Key, Row
from projections.identity.tables import STATEMENTS
from projections.intrinsics.folds import earliest, is_earlier
from schemas.events import Event
from services.resolve.core.gather import IDENTITY_TYPES
from services.resolve.core.policy import Policy
from services.resolve.whole import resolve_log
from tests.property.resolve_stream.streams import id_of, rules_of
from tests.unit.resolve.saying import bound, seen

WHATSAPP, OWN, OTHER = "whatsapp:n1:886911111111", "+886911111111", "+886922222222"
LIFE = (
    seen(WHATSAPP, phone=OWN, at=1),
    seen(WHATSAPP, phone=OWN, at=1),
    bound(WHATSAPP, phone=OTHER, at=5),
    seen(WHATSAPP, phone=OWN, at=9),
)


def evidence(events: Iterable[Event]) -> list[Event]:
    """What the agent of the contacts says to identity, of events that come one by one; see projections.intrinsics."""
    known: dict[Key, Row] = {}
    said = []
    for event in events:
        news = {
            key: row
            for key, (row, _) in earliest([Happened(id_of(event.tenant, WHATSAPP), event)]).items()
            if key not in known or is_earlier(row, known[key])
        }
        known |= news
        if news or event.type in IDENTITY_TYPES:
            said.append(event)
    return said


def test_the_order_in_which_a_contact_is_seen_changes_nothing() -> None:
    found = [asyncio.run(resolve_log(evidence(order), rules_of(Policy()))) for order in permutations(LIFE)]
    assert len({len(tables.pop(STATEMENTS)) for tables in found}) > 1  # how much is said does depend on the order
    assert all(tables == found[0] for tables in found)
