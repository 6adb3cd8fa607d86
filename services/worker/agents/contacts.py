"""The agent "contacts": channel events into the contact's read models, and what they say of identity to the next agent.

Evidence is acknowledged by Kafka before the rows are committed: a crash in between repeats it, which its reader
absorbs, and loses none. Intrinsic identifiers ride on every message of some channels: what of them is sent again, and
as what, `projections.intrinsics` decides.
"""

from typing import Any

from projections.chunk import project
from projections.engine.projection import ContactEvent
from projections.engine.topic_keys import contacts_key, evidence_key
from projections.intrinsics.evidence import evidence
from projections.intrinsics.store import note
from projections.registry import PROJECTIONS
from schemas.codec import encode
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.worker.agent_spec import AgentSpec, WorkerResources


def contacts(edge: WorkerResources) -> AgentSpec:
    """The work of folding channel events."""

    async def fold(connection: Any, happened: list[ContactEvent]) -> int:
        new = await project(connection, PROJECTIONS, happened)
        said = evidence(happened, await note(connection, happened))
        if said:
            await edge.send(IDENTITY_EVIDENCE, [(evidence_key(event), encode(event)) for event in said])
        return new

    return AgentSpec("contacts", CHANNEL_EVENTS, contacts_key, fold)
