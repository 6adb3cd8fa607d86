"""What the agent of the contacts tells identity besides events: that an event restated an intrinsic identifier.

It travels as an event of a type that is nobody else's business. Anybody may send an event that is called so: it is
passed on as any other, for its intrinsic identifiers alone, and a restatement has none. So it is never taken for one.
"""

from hashlib import sha256
from typing import Final

import orjson
from pydantic import ValidationError

from schemas.events.base import Frozen, Identifier, Word
from schemas.events.envelope import ContactRef, Event

RESTATED: Final = "identity.vouched"
_SOURCE: Final = "contacts"


class Restatement(Frozen):
    """Identifiers that the channel vouched for in the event of this id, which happened when the restatement did."""

    identifiers: list[Identifier]
    event_id: Word


def restating(tenant: str, contact: ContactRef, identifier: tuple[str, str], stamp: tuple[int, str]) -> Event:
    """The event that says so; the same for the same restatement."""
    (type_name, value), (at, event_id) = identifier, stamp
    digest = sha256(orjson.dumps([contact.key, type_name, value, at, event_id])).hexdigest()
    return Event(
        event_id=f"vouched:{digest}",
        tenant=tenant,
        contact=contact,
        type=RESTATED,
        occurred_at=at,
        received_at=at,
        source=_SOURCE,
        data={"identifiers": [{"type": type_name, "value": value}], "event_id": event_id},
    )


def restated_in(event: Event) -> Restatement | None:
    """What an event from the agent of the contacts restates, if it is there for that."""
    if event.type != RESTATED or event.intrinsic:
        return None
    try:
        return Restatement.model_validate(event.data)
    except ValidationError:
        return None
