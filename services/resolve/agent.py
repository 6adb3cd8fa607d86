"""The agent "identity": evidence into who is who. Evidence is keyed by tenant, so a tenant has one writer."""

from functools import cache
from typing import Any, Final

from projections.engine.projection import Happened
from schemas.topics import IDENTITY_EVIDENCE
from services.resolve.adapters import save
from services.resolve.core.policy import Policy
from services.resolve.ports import PolicyInForce, Rules
from services.runtime.work import Edge, Work

_DEFAULT: Final = "default"


def identity(edge: Edge) -> Work:
    """The work of resolving evidence."""

    @cache
    def policy_of(_tenant: str) -> PolicyInForce:
        return PolicyInForce(_DEFAULT, Policy(default_region=edge.settings.default_region))

    rules = Rules(policy_of, edge.id_of)

    async def fold(connection: Any, happened: list[Happened]) -> int:
        return await save(connection, [one.event for one in happened], rules)

    return Work("identity", IDENTITY_EVIDENCE, lambda event: event.tenant.encode(), fold)
