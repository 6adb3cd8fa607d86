"""The agent "contacts": channel events into the contact's read models, and what they say of identity to the next agent.

Evidence is acknowledged by Kafka before the rows are committed: a crash in between repeats it, which its reader
absorbs, and loses none. Intrinsic identifiers ride on every message of some channels: what of them is sent again, and
as what, `projections.intrinsics` decides.
"""

from collections.abc import Iterable
from typing import Any, Final

from projections.chunk import project
from projections.engine.projection import Happened
from projections.intrinsics.folds import Noted
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
        said = evidence(happened, await note(connection, happened))
        if said:
            await edge.send(IDENTITY_EVIDENCE, [(event.tenant.encode(), encode(event)) for event in said])
        return new

    return Work("contacts", CHANNEL_EVENTS, key_of, fold)


def key_of(event: Event) -> bytes | None:
    """One contact's events share a partition, so that one writer folds them; others may lie anywhere."""
    return event_key(event.tenant, event.contact.key) if event.contact else None


def evidence(happened: Iterable[Happened], noted: Noted) -> list[Event]:
    """What a chunk says to identity."""
    first = [one for one in noted.first if one.event.type not in _IDENTITY_TYPES]
    return [*(one.event for one in [*stated(happened), *first]), *noted.restated]


def stated(happened: Iterable[Happened]) -> list[Happened]:
    """The events that speak of identity by their type, which are always sent."""
    return [one for one in happened if _speaks_of_identity(one.event)]


def _speaks_of_identity(event: Event) -> bool:
    return event.type == _POLICY_SET or (event.type in _IDENTITY_TYPES and event.contact is not None)
