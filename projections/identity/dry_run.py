"""A tenant's events and the policy they are tried with."""

from typing import Any, cast

from projections.identity.policies import POLICY_SET
from projections.identity.resolution.gather import Gatherer
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolution.resolution import Resolution, resolve
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy


class Trial:
    """Takes one tenant's events one by one, then resolves them all."""

    def __init__(self) -> None:
        self._gatherer = Gatherer()
        self.no_policies: list[str] = []  # why what was set as a policy is none; it sets nothing
        self._policy_set: tuple[tuple[int, str], dict[str, Any]] | None = None

    def add(self, event: Event) -> None:
        """Take an event in."""
        self._gatherer.add(event)
        if event.type == POLICY_SET and (self._policy_set is None or event.stamp > self._policy_set[0]):
            self._set(event.stamp, cast("IdentityPolicy", event.data).policy)

    def _set(self, stamp: tuple[int, str], policy: dict[str, Any]) -> None:
        try:
            Policy.from_json(policy)
        except InvalidPolicy as error:
            self.no_policies.append(str(error))
        else:
            self._policy_set = (stamp, policy)

    @property
    def policy_set(self) -> dict[str, Any]:
        """The policy that the tenant set last, as it was set; empty, which is the default, if it set none."""
        return self._policy_set[1] if self._policy_set else {}

    def resolution(self, policy: Policy) -> Resolution:
        """Who is who. The events are given up for it, so that they aren't in memory beside the result."""
        gatherer, self._gatherer = self._gatherer, Gatherer()
        evidence = gatherer.evidence()
        del gatherer
        return resolve(evidence, policy)
