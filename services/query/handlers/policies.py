"""The tenant's identity policy: the one in force, how far the adoption of the next is, and the earlier ones."""

from typing import Final

from projections.identity.resolutions import building_resolution, policies_of
from projections.identity.tables import PolicyRow, ResolutionRow
from services.query.core.policy_models import Adoption, PolicyStatus, PolicyVersion
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

_VERSIONS: Final = 100


class Policies:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup

    async def in_force(self, tenant: str) -> PolicyStatus:
        """The policy by which the tenant's customers are what they are at this moment."""
        async with snapshot(self._read_models, tenant) as moment:
            building = await building_resolution(moment.connection, tenant)
            versions = await policies_of(moment.connection, tenant, _VERSIONS)
            policy = self._lookup.policy_in(moment)
        return PolicyStatus(
            version=moment.active.version,
            policy=policy.to_json(),
            adopting=_adoption(building, moment.active.version, versions),
            versions=[
                PolicyVersion(version=one.event_id, set_at=one.at, by=one.set_by, note=one.note) for one in versions
            ],
        )


def _adoption(building: ResolutionRow | None, active: str, versions: list[PolicyRow]) -> Adoption | None:
    """The policy that is being adopted, also before the worker has begun with it."""
    if building is not None:
        return Adoption(version=building.version, statements=building.total, done=building.done)
    if versions and versions[0].event_id != active:
        return Adoption(version=versions[0].event_id, statements=0, done=0)
    return None
