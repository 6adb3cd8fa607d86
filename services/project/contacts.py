"""The agent "contacts": channel events into the contact's read models, and what they say of identity to the next agent.

Evidence is acknowledged by Kafka before the rows are committed: a crash in between repeats it, which its reader
absorbs, and loses none. An intrinsic identifier that is known since earlier says nothing new and is not sent again.
"""

from collections.abc import Iterable
from typing import Any, Final

from projections.chunk import project
from projections.engine.projection import Happened
from projections.intrinsics.store import note
from projections.registry import PROJECTIONS
from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, event_key
from services.runtime.work import Edge, Work

_IDENTITY_TYPES: Final = frozenset({"identity.bound", "identity.unbound", "identity.decided"})
_POLICY_SET: Final = "tenant.policy_set"


def contacts(edge: Edge) -> Work:
    """The work of folding channel events."""

    async def fold(connection: Any, happened: list[Happened]) -> int:
        new = await project(connection, PROJECTIONS, happened)
        evidence = await _evidence(connection, happened)
        if evidence:
            await edge.send(IDENTITY_EVIDENCE, [(event.tenant.encode(), encode(event)) for event in evidence])
        return new

    return Work("contacts", CHANNEL_EVENTS, key_of, fold)


def key_of(event: Event) -> bytes | None:
    """One contact's events share a partition, so that one writer folds them; others may lie anywhere."""
    return event_key(event.tenant, event.contact.key) if event.contact else None


def stated(happened: Iterable[Happened]) -> list[Happened]:
    """The events that speak of identity by their type, which are always sent."""
    return [one for one in happened if _speaks_of_identity(one.event)]


def _speaks_of_identity(event: Event) -> bool:
    return event.type == _POLICY_SET or (event.type in _IDENTITY_TYPES and event.contact is not None)


async def _evidence(connection: Any, happened: Iterable[Happened]) -> list[Event]:
    vouched = [one for one in await note(connection, happened) if one.event.type not in _IDENTITY_TYPES]
    return [one.event for one in [*stated(happened), *vouched]]
