"""What resolving depends on besides events: the policy of a resolution."""

from typing import Final, NamedTuple

from projections.identity.resolution.policy import Policy

DEFAULT_VERSION: Final = "default"  # the version of the default policy, and the id of its resolution


class PolicyInForce(NamedTuple):
    """A tenant's policy and the resolution that is built by it.

    ``announced``: whether changes of membership go to the outbox. Those of a resolution that is being built do not.
    """

    version: str
    policy: Policy
    announced: bool = True
