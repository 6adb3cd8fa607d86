"""A dry run: one tenant's events resolved in memory, to try a policy on them."""

from typing import Any, cast

from projections.identity.policies import POLICY_SET
from projections.identity.resolution.gather import Gatherer
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolution.resolution import Resolution, resolve
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy


class DryRun:
    """Takes one tenant's events one by one, then resolves them all."""

    def __init__(self) -> None:
        self._gatherer = Gatherer()
        self.invalid_policies: list[str] = []  # why each policy is invalid that an event set
        self._policy_set: tuple[tuple[int, str], dict[str, Any]] | None = None

    def add(self, event: Event) -> None:
        """Add an event."""
        self._gatherer.add(event)
        if event.type == POLICY_SET and (self._policy_set is None or event.stamp > self._policy_set[0]):
            self._set(event.stamp, cast("IdentityPolicy", event.data).policy)

    def _set(self, stamp: tuple[int, str], policy: dict[str, Any]) -> None:
        try:
            Policy.from_json(policy)
        except InvalidPolicy as error:
            self.invalid_policies.append(str(error))
        else:
            self._policy_set = (stamp, policy)

    @property
    def policy_set(self) -> dict[str, Any]:
        """The settings of the policy that the tenant set last; empty, which is the default policy, if it set none."""
        return self._policy_set[1] if self._policy_set else {}

    def resolution(self, policy: Policy) -> Resolution:
        """Resolve the events. They are dropped first, so that they take no memory beside the result."""
        gatherer, self._gatherer = self._gatherer, Gatherer()
        evidence = gatherer.evidence()
        del gatherer
        return resolve(evidence, policy)
