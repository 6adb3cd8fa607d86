"""What customer rows and counters cost: the same worker without them, with every other read model and identity.

Its agent of contacts notes nothing for the composer, counts nothing for quotas and has no composer beside it. Run as a
process, it is a worker in all else.
"""

import sys
from collections.abc import Sequence

from benchmarks.bed import Bed
from benchmarks.worker import seconds_to_fold
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.engine.topic_keys import contacts_key
from projections.intrinsics.evidence import evidence
from projections.intrinsics.store import save_chunk
from projections.registry import PROJECTIONS
from projections.timeline.store import PostgresStore
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent
from services.worker.agent_spec import AgentSpec, WorkerResources
from services.worker.agents.identity import identity
from services.worker.main import run as run_worker


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s."""
    return events / await seconds_to_fold(bed, settings, "-m", __name__)


def contacts(resources: WorkerResources) -> AgentSpec:
    """The agent that reads channel events, for their own read models and identity alone."""

    async def save_together(
        connection: Connection, partitions: Sequence[list[ContactEvent]], _numbers: Sequence[int]
    ) -> list[int]:
        store = PostgresStore(connection)
        recorded = await project(store, PROJECTIONS, [one for events in partitions for one in events])
        passed_on = evidence(recorded, await save_chunk(connection, store, recorded))
        if passed_on:
            await resources.send(IDENTITY_EVIDENCE, [EncodedEvent.of(event) for event in passed_on])
        new = {id(one) for one in recorded.new}
        return [sum(id(one) in new for one in events) for events in partitions]

    async def save(connection: Connection, events: list[ContactEvent], partition: int) -> int:
        return (await save_together(connection, [events], [partition]))[0]

    return AgentSpec("contacts", CHANNEL_EVENTS, contacts_key, save, save_together=save_together)


if __name__ == "__main__":
    tune_gc()
    sys.exit(run_worker(Settings(), (contacts, identity)))
