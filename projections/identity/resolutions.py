"""A tenant's policies, and the *spaces* in which its identity is resolved by them.

The column ``tenant`` of identity's tables holds a space: the tenant itself, by the default policy, or a name of the
tenant's and the policy's. Whoever changes the policy has a second space built beside the live one, from the same
statements; live evidence goes into both. When the new one has everything it becomes the live one, in one row's
change, so readers see the one membership or the other. What is live in the end depends on the events alone.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from projections.engine.metadata import Json, define
from projections.engine.store import insert, insert_new

DEFAULT_VERSION: Final = "default"
_SEPARATOR: Final = "#"  # in no tenant's name
State = Literal["building", "live", "gone"]


class PolicyRow(NamedTuple):
    """A policy that a tenant set, by the event that set it; the greatest by (at, event_id) is in force."""

    tenant: str
    event_id: str
    at: int
    policy: Json
    set_by: str | None
    note: str | None


class ResolutionRow(NamedTuple):
    """A space: by which policy it is resolved, and how many statements of how many it has.

    ``place`` is the (contact_id, event_id) of the last one taken over, as text. A tenant whose default space is live,
    and has no other, has no row.
    """

    tenant: str
    name: str
    version: str
    state: str
    total: int
    done: int
    place: str


POLICIES: Final = define("policies", PolicyRow, key=2)
SPACES: Final = define("spaces", ResolutionRow, sa.Column("left_at", sa.DateTime(timezone=True)), key=2)
sa.Index("spaces_live", SPACES.c.tenant, unique=True, postgresql_where=SPACES.c.state == "live")

_BUCKETS: Final = 256  # a chunk may be about thousands of tenants; locks are not to be had by the thousand
_SHARE: Final = f"""
SELECT pg_advisory_xact_lock_shared(hashtext('onefold.identity'), bucket)
FROM (SELECT DISTINCT hashtext(t) & {_BUCKETS - 1} AS bucket FROM unnest($1::text[]) t ORDER BY 1) buckets
"""  # noqa: S608 - a constant
_ALONE: Final = f"SELECT pg_advisory_xact_lock(hashtext('onefold.identity'), hashtext($1) & {_BUCKETS - 1})"
_OF_TENANTS: Final = """
SELECT t.tenant, s.name, s.version, s.state, p.policy::text, r.default_region
FROM unnest($1::text[]) AS t(tenant)
LEFT JOIN spaces s ON s.tenant = t.tenant AND s.state IN ('live', 'building')
LEFT JOIN policies p ON p.tenant = s.tenant AND p.event_id = s.version
LEFT JOIN onefold.tenants r ON r.tenant = t.tenant
"""
_LIVE: Final = """
SELECT coalesce(s.name, t.tenant), coalesce(s.version, 'default'), p.policy::text, r.default_region
FROM (VALUES ($1::text)) AS t(tenant)
LEFT JOIN spaces s ON s.tenant = t.tenant AND s.state = 'live'
LEFT JOIN policies p ON p.tenant = s.tenant AND p.event_id = s.version
LEFT JOIN onefold.tenants r ON r.tenant = t.tenant
"""
_IN_FORCE: Final = (
    f"SELECT {', '.join(PolicyRow._fields)} FROM policies WHERE tenant = $1 "  # noqa: S608 - names are constants
    "ORDER BY at DESC, event_id DESC LIMIT $2"
)
_BUILDING: Final = f"SELECT {', '.join(ResolutionRow._fields)} FROM spaces WHERE tenant = $1 AND state = 'building'"  # noqa: S608 - as above
_RECORD: Final = insert_new(POLICIES)


class Found(NamedTuple):
    """A space of a tenant with its policy's text; None by the default policy. ``region`` is the tenant's, if known."""

    tenant: str
    name: str
    version: str
    live: bool
    policy: str | None
    region: str | None


def space_of(tenant: str, version: str) -> str:
    """The name of a tenant's space by a policy's version."""
    if version == DEFAULT_VERSION:
        return tenant
    return f"{tenant}{_SEPARATOR}{blake2b(version.encode(), digest_size=8).hexdigest()}"


def tenant_of(space: str) -> str:
    """Whose space it is."""
    return space.partition(_SEPARATOR)[0]


async def share(connection: Any, tenants: Collection[str]) -> None:
    """Keep these tenants' spaces as they are until the transaction ends. Returns once nobody changes them."""
    await connection.execute(_SHARE, sorted(tenants))


async def take(connection: Any, tenant: str) -> None:
    """Be alone with a tenant's identity until the transaction ends."""
    await connection.execute(_ALONE, tenant)


async def record(connection: Any, policies: Sequence[PolicyRow]) -> int:
    """Add the policies that are new; how many that were."""
    return len(await insert(connection, _RECORD, policies))


async def spaces_of(connection: Any, tenants: Collection[str]) -> list[Found]:
    """Each tenant's live space, and the one that is being built, if one is."""
    found = [tuple(row) for row in await connection.fetch(_OF_TENANTS, list(tenants))]
    spaces = [
        Found(tenant, name, version, state == "live", policy, region)
        for tenant, name, version, state, policy, region in found
        if name is not None
    ]
    have = {one.tenant for one in spaces if one.live}
    regions = {tenant: region for tenant, *_, region in found}
    return spaces + [
        Found(tenant, tenant, DEFAULT_VERSION, live=True, policy=None, region=region)
        for tenant, region in regions.items()
        if tenant not in have
    ]


async def live_space(connection: Any, tenant: str) -> Found:
    """The space that readers read."""
    name, version, policy, region = await connection.fetchrow(_LIVE, tenant)
    return Found(tenant, name, version, live=True, policy=policy, region=region)


async def policies_of(connection: Any, tenant: str, most: int) -> list[PolicyRow]:
    """The policies that a tenant set, the one in force first."""
    return [PolicyRow(*row) for row in await connection.fetch(_IN_FORCE, tenant, most)]


async def building(connection: Any, tenant: str) -> ResolutionRow | None:
    """The space that is being built, if one is."""
    row = await connection.fetchrow(_BUILDING, tenant)
    return ResolutionRow(*row) if row else None
