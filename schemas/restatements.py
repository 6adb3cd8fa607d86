"""Restatements: how the contacts agent tells the identity agent that an event repeated an intrinsic identifier.

A restatement is an event of an internal type, without intrinsic identifiers of its own. Anybody may send an event of
that type, but it is passed on only if it has intrinsic identifiers, so it is never mistaken for a restatement.
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
    """Intrinsic identifiers of the event ``event_id``, which occurred at the restatement's ``occurred_at``."""

    identifiers: list[Identifier]
    event_id: Word


def restating(tenant: str, contact: ContactRef, identifier: tuple[str, str], stamp: tuple[int, str]) -> Event:
    """The restatement of ``(type, value)`` by the event of ``(occurred_at, event_id)``; its id follows from these."""
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
    """The restatement that the event is, or None."""
    if event.type != RESTATED or event.intrinsic:
        return None
    try:
        return Restatement.model_validate(event.data)
    except ValidationError:
        return None
