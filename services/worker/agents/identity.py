"""The agent "identity": evidence into who is who. Evidence is keyed by tenant, so a tenant has one writer.

Policies come the same way. A tenant's events are resolved in its live space and, while another policy is being
adopted, in the space that is built by it, too.
"""

from collections.abc import Sequence
from typing import Any, Final

from projections.engine.projection import ContactEvent
from projections.engine.topic_keys import evidence_key
from projections.identity import resolutions as spaces
from projections.identity.adapters import save
from projections.identity.policies import POLICY_SET, policies_in, rules_of
from schemas.events import Event
from schemas.topics import CUSTOMER_CHANGES, IDENTITY_EVIDENCE
from services.worker.agent_spec import AgentSpec, WorkerResources
from services.worker.background.outbox_relay import Relay
from services.worker.background.policy_rollout import PolicyRollout

_LOOK_EVERY: Final = 1.0  # seconds, for what other workers' chunks left to do, and for the lock of another who does it


def identity(resources: WorkerResources) -> AgentSpec:
    """The work of resolving evidence."""
    id_of, region = resources.id_of, resources.settings.default_region
    topic = CUSTOMER_CHANGES.full_name(resources.settings.topic_prefix)
    relay = Relay(resources.connect, resources.producer, topic, resources.settings.kafka_servers, every=_LOOK_EVERY)
    adopter = PolicyRollout(resources.connect, id_of, region, every=_LOOK_EVERY)

    async def fold(connection: Any, happened: list[ContactEvent]) -> int:
        events = [one.event for one in happened]
        tenants = {event.tenant for event in events}
        await spaces.share(connection, tenants)
        new = await spaces.record(connection, policies_in(events))
        found = await spaces.spaces_of(connection, tenants)
        evidence = [event for event in events if event.type != POLICY_SET]
        new += await resolve(connection, evidence, [one for one in found if one.live])
        await resolve(connection, evidence, [one for one in found if not one.live])
        return new

    async def resolve(connection: Any, events: Sequence[Event], found: Sequence[spaces.Found]) -> int:
        whose = {one.tenant for one in found}
        chosen = [event for event in events if event.tenant in whose]
        return await save(connection, chosen, rules_of(found, id_of, region)) if chosen else 0

    return AgentSpec("identity", IDENTITY_EVIDENCE, evidence_key, fold, (relay, adopter))
