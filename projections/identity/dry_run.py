"""A dry run: one tenant's events resolved in memory, to try a policy on them."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import orjson

from projections.erasures.folds import digest_of
from projections.identity.policies import POLICY_SET, policies_in
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import EvidenceLog
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy


class DryRun:
    """Takes one tenant's events one by one, then resolves them all."""

    def __init__(self) -> None:
        self._log = EvidenceLog()
        self._policy_events: list[Event] = []

    def add(self, event: Event) -> None:
        """Add an event."""
        self._log.add(event)
        if event.type == POLICY_SET:
            self._policy_events.append(event)

    @property
    def invalid_policies(self) -> list[str]:
        """Why each policy is invalid that an event set."""
        return [why for one in self._policy_events if (why := _refusal(cast("IdentityPolicy", one.data).policy))]

    @property
    def policy_set(self) -> dict[str, Any]:
        """The settings of the policy that the tenant set last; empty, which is the default policy, if it set none."""
        stated = [(row.at, row.event_id, row.policy) for row in policies_in(self._policy_events) if row.policy]
        settings: dict[str, Any] = orjson.loads(max(stated)[2]) if stated else {}
        return settings

    def resolution(self, policy: Policy, id_of: Callable[[str], UUID]) -> Resolution:
        """Resolve the events. They are dropped first, so that they take no memory beside the result.

        ``id_of`` gives the personal id of a contact.
        """
        log, self._log = self._log, EvidenceLog()
        log.erase_listed(lambda contact, event_id: digest_of(id_of(contact), event_id))
        evidence = evidence_in(log)
        del log
        return resolve(evidence, policy)


def _refusal(settings: dict[str, Any]) -> str | None:
    try:
        Policy.from_log(settings)
    except InvalidPolicy as error:
        return str(error)
    return None
