"""The agent "identity": evidence and policies into the tables of identity.

Evidence is keyed by tenant, so each tenant has one writer.
"""

from typing import Final

from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.engine.topic_keys import evidence_key
from projections.identity.policies import save_chunk
from schemas.topics import CUSTOMER_CHANGES, IDENTITY_EVIDENCE
from services.worker.agent_spec import AgentSpec, WorkerResources
from services.worker.background.candidate_sweep import CandidateSweep
from services.worker.background.outbound_webhooks import OutboundWebhooks
from services.worker.background.outbox_relay import OutboxRelay
from services.worker.background.policy_rollout import PolicyRollout

_REST: Final = 3.0  # times a transaction: what makes contacts visible comes first
_POLL_EVERY: Final = 1.0  # seconds, for work that other workers' chunks left, and for the lock of another who does it


def identity(resources: WorkerResources) -> AgentSpec | None:
    """The agent, with the relay of its outbox, the rollout of policies and the sweep of candidates beside it.

    None where the process folds some read models only: none of them is fed by this agent.
    """
    if resources.read_models is not None:
        return None
    id_of, region = resources.id_of, resources.settings.default_region
    topic = resources.topic_name(CUSTOMER_CHANGES)
    servers = resources.settings.kafka_servers
    relay = OutboxRelay(
        resources.connect, resources.producer, topic, servers, every=_POLL_EVERY, sealing=resources.sealing
    )
    rollout = PolicyRollout(resources.connect, id_of, region, every=_POLL_EVERY)
    sweep = CandidateSweep(resources.connect, resources.seconds_behind)

    async def find_topic() -> str:
        return topic

    webhooks = OutboundWebhooks(resources.settings, resources.connect, find_topic)

    async def save(connection: Connection, events: list[ContactEvent], _partition: int) -> int:
        return await save_chunk(connection, [one.event for one in events], id_of, region)

    return AgentSpec("identity", IDENTITY_EVIDENCE, evidence_key, save, (relay, rollout, sweep, webhooks), rest=_REST)
