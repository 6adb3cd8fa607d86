"""The agent "identity": evidence into who is who. Evidence is keyed by tenant, so a tenant has one writer."""

from functools import cache
from typing import Any, Final

from projections.engine.projection import Happened
from schemas.events import Event
from schemas.topics import CUSTOMER_CHANGES, IDENTITY_EVIDENCE
from services.resolve.adapters import save
from services.resolve.core.policy import Policy
from services.resolve.ports import PolicyInForce, Rules
from services.resolve.relay import Relay
from services.runtime.work import Edge, Work

_DEFAULT: Final = "default"
_LOOK_EVERY: Final = 1.0  # seconds, for changes of other workers' chunks, and for the lock of another who relays


def identity(edge: Edge) -> Work:
    """The work of resolving evidence."""

    @cache
    def policy_of(_tenant: str) -> PolicyInForce:
        return PolicyInForce(_DEFAULT, Policy(default_region=edge.settings.default_region))

    rules = Rules(policy_of, edge.id_of)

    topic = CUSTOMER_CHANGES.full_name(edge.settings.topic_prefix)
    relay = Relay(edge.connect, edge.producer, topic, edge.settings.kafka_servers, every=_LOOK_EVERY)

    async def fold(connection: Any, happened: list[Happened]) -> int:
        return await save(connection, [one.event for one in happened], rules)

    return Work("identity", IDENTITY_EVIDENCE, key_of, fold, relay)


def key_of(event: Event) -> bytes:
    """A tenant's evidence shares a partition, so that one writer folds it."""
    return event.tenant.encode()
