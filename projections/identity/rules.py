"""What resolving depends on besides events: each tenant's policy and resolution, and the ids of contacts."""

from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from projections.identity.resolution.policy import Policy

DEFAULT_VERSION: Final = "default"  # the version of the default policy, and the id of its resolution


class PolicyInForce(NamedTuple):
    """A tenant's policy and the resolution that is built by it.

    ``announced``: whether changes of membership go to the outbox. Those of a resolution that is being built do not.
    """

    version: str
    policy: Policy
    resolution_id: str = DEFAULT_VERSION
    announced: bool = True


class Rules(NamedTuple):
    """The policy of each tenant, and the personal id of each tenant's contact by its contact key."""

    policy_of: Callable[[str], PolicyInForce]
    id_of: Callable[[str, str], UUID]

    def resolution_of(self, tenant: str) -> str:
        """The id of the tenant's resolution that is read and written."""
        return self.policy_of(tenant).resolution_id
