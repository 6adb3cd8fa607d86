"""The tenant's identity policy: the one in force, how far the adoption of the next is, and the earlier ones."""

from collections.abc import Sequence
from typing import Final

import orjson

from projections.identity.resolution.policy import Policy
from projections.identity.resolutions import building_resolution, policies_of, policy_in, policy_of_version
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import PolicyRow, ResolutionRow
from services.query.core.errors import NotFound
from services.query.core.policy_changes import policy_changes
from services.query.core.policy_models import Adoption, PolicySettings, PolicyStatus, PolicyVersion
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

_VERSIONS: Final = 100
_NO_VERSION: Final = "There is no such version of the policy."


class Policies:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup

    async def in_force(self, tenant: str) -> PolicyStatus:
        """The policy by which the tenant's customers are what they are at this moment."""
        async with snapshot(self._read_models, tenant) as moment:
            building = await building_resolution(moment.connection, tenant)
            versions = await policies_of(moment.connection, tenant, _VERSIONS + 1)
            policy = self._lookup.policy_in(moment)
        region = moment.active.region or self._lookup.region
        return PolicyStatus(
            version=moment.active.version,
            policy=policy.to_json(),
            adopting=_adoption(building, moment.active.version, versions),
            versions=_versions(versions, region),
        )

    async def version(self, tenant: str, version: str) -> PolicySettings:
        """A policy that was set, or the default one. Raises NotFound."""
        async with snapshot(self._read_models, tenant) as moment:
            found = await policy_of_version(moment.connection, tenant, version)
        if found is None and version != DEFAULT_VERSION:
            raise NotFound(_NO_VERSION)
        text = "{}" if found is None else found.policy or "{}"
        return PolicySettings(version=version, policy=orjson.loads(text))


def _versions(rows: Sequence[PolicyRow], region: str) -> list[PolicyVersion]:
    """The versions that are shown, the latest first; what was set before the first of all is the default."""
    policies = [policy_in(one.policy, region) for one in rows] + [Policy(default_region=region)]
    return [
        PolicyVersion(
            version=one.event_id,
            set_at=one.at,
            by=one.set_by,
            note=one.note,
            changes=policy_changes(policies[number + 1], policies[number]),
        )
        for number, one in enumerate(rows[:_VERSIONS])
    ]


def _adoption(building: ResolutionRow | None, active: str, versions: list[PolicyRow]) -> Adoption | None:
    """The policy that is being adopted, also before the worker has begun with it."""
    if building is not None:
        return Adoption(version=building.version, statements=building.total, done=building.done)
    if versions and versions[0].event_id != active:
        return Adoption(version=versions[0].event_id, statements=0, done=0)
    return None
