"""A tenant's policies and the resolutions of its identity by them.

A tenant begins with a resolution by the default policy. When its policy changes, a second resolution is built beside
the active one, from the same statements, and new evidence goes into both. Once the new one is complete it becomes the
active one in one transaction, so readers see the membership of the one or of the other. The old one is retired, and
deleted when no reader can still use it. Which resolution is active in the end depends on the events alone.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import key_columns, key_of, row_columns
from projections.engine.statements import array, compiled
from projections.engine.store import insert, insert_with, load
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.policy import Policy
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import POLICIES, RESOLUTIONS, STATEMENTS, PolicyRow, ResolutionRow, StatementRow

_BUILDING, _ACTIVE, _RETIRED = "building", "active", "retired"
_BUCKETS: Final = 256  # a chunk may be about thousands of tenants, and a transaction can't hold thousands of locks
_NO_CONTACT: Final = UUID(int=0)
_TENANTS: Final = sa.table("tenants", sa.column("tenant", sa.Text()), sa.column("default_region"), schema="onefold")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_RESOLUTION: Final = sa.bindparam("resolution_id", type_=sa.Text())
_ONE: Final = (RESOLUTIONS.c.tenant == _TENANT, RESOLUTIONS.c.resolution_id == _RESOLUTION)
_LOCKS: Final = sa.func.hashtext(sa.func.concat("onefold.identity ", sa.func.current_schema()))
_ALL_TENANTS: Final = compiled(
    sa.union(sa.select(RESOLUTIONS.c.tenant), sa.select(POLICIES.c.tenant), sa.select(_TENANTS.c.tenant))
)


def _bucket(tenant: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    return sa.func.hashtext(tenant, type_=sa.Integer()).bitwise_and(_BUCKETS - 1)


def _given_tenants() -> sa.TableValuedAlias:
    return sa.func.unnest(array("tenants", sa.Text())).table_valued("tenant").render_derived(name="given")


def _share() -> str:
    buckets = sa.select(_bucket(_given_tenants().c.tenant).label("bucket")).distinct().order_by("bucket").subquery()
    return compiled(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCKS, buckets.c.bucket)), "tenants")


def _in_use(*states: str) -> str:
    """Selects a row for each given tenant and resolution in one of these states; of a tenant without, nulls."""
    given = _given_tenants()
    found = (
        given.outerjoin(RESOLUTIONS, sa.and_(RESOLUTIONS.c.tenant == given.c.tenant, RESOLUTIONS.c.state.in_(states)))
        .outerjoin(
            POLICIES,
            sa.and_(POLICIES.c.tenant == RESOLUTIONS.c.tenant, POLICIES.c.event_id == RESOLUTIONS.c.version),
        )
        .outerjoin(_TENANTS, _TENANTS.c.tenant == given.c.tenant)
    )
    chosen = sa.select(
        given.c.tenant,
        RESOLUTIONS.c.resolution_id,
        RESOLUTIONS.c.version,
        RESOLUTIONS.c.state,
        sa.cast(POLICIES.c.policy, sa.Text()),
        _TENANTS.c.default_region,
    )
    return compiled(chosen.select_from(found), "tenants")


_LATEST_FIRST: Final = (POLICIES.c.at.desc(), POLICIES.c.event_id.desc())


def _to_roll_out() -> str:
    latest = (
        sa.select(POLICIES.c.tenant, POLICIES.c.resolution_id)
        .ext(postgresql.distinct_on(POLICIES.c.tenant))
        .where(POLICIES.c.policy.is_not(None))
        .order_by(POLICIES.c.tenant, *_LATEST_FIRST)
        .subquery("latest")
    )
    active = sa.and_(RESOLUTIONS.c.tenant == latest.c.tenant, RESOLUTIONS.c.state == _ACTIVE)
    return compiled(
        sa.select(latest.c.tenant)
        .select_from(latest.outerjoin(RESOLUTIONS, active))
        .where(RESOLUTIONS.c.resolution_id.is_distinct_from(latest.c.resolution_id))
        .order_by(latest.c.tenant)
    )


def _begin() -> str:
    total = sa.select(sa.func.count()).select_from(STATEMENTS).where(STATEMENTS.c.tenant == _TENANT).scalar_subquery()
    begin = postgresql.insert(RESOLUTIONS).values(
        tenant=_TENANT,
        resolution_id=_RESOLUTION,
        version=sa.bindparam("version", type_=sa.Text()),
        state=_BUILDING,
        total=total,
        done=0,
        position="",
    )
    again = begin.on_conflict_do_update(
        index_elements=key_columns(RESOLUTIONS), set_={"version": begin.excluded.version}
    )
    return compiled(again.returning(*row_columns(RESOLUTIONS)), "tenant", "resolution_id", "version")


def _retire() -> str:
    retire = postgresql.insert(RESOLUTIONS).values(
        tenant=_TENANT,
        resolution_id=_RESOLUTION,
        version=sa.bindparam("version", type_=sa.Text()),
        state=_RETIRED,
        total=0,
        done=0,
        position="",
        retired_at=sa.func.now(),
    )
    known = retire.on_conflict_do_update(
        index_elements=key_columns(RESOLUTIONS), set_={"state": _RETIRED, "retired_at": sa.func.now()}
    )
    return compiled(known, "tenant", "resolution_id", "version")


def _keep_least(statement: postgresql.Insert) -> postgresql.Insert:
    given, known = statement.excluded, POLICIES.c
    values = {column.name: given[column.name] for column in row_columns(POLICIES) if not column.primary_key}
    less = sa.tuple_(given.at, given.content) < sa.tuple_(known.at, known.content)
    return statement.on_conflict_do_update(index_elements=key_columns(POLICIES), set_=values, where=less)


_ROLLOUT: Final = compiled(
    sa.select(
        sa.func.pg_try_advisory_lock(sa.func.hashtext("onefold.rollout"), sa.func.hashtext(sa.func.current_schema()))
    )
)
_SHARE: Final = _share()
_ALONE: Final = compiled(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, _bucket(_TENANT))), "tenant")
_IN_USE: Final = _in_use(_ACTIVE, _BUILDING)
_ACTIVE_ONES: Final = _in_use(_ACTIVE)
_IN_FORCE: Final = compiled(
    sa.select(*row_columns(POLICIES))
    .where(POLICIES.c.tenant == _TENANT, POLICIES.c.policy.is_not(None))
    .order_by(*_LATEST_FIRST)
    .limit(sa.bindparam("most", type_=sa.Integer())),
    "tenant",
    "most",
)
_OF_VERSION: Final = compiled(
    sa.select(*row_columns(POLICIES)).where(
        POLICIES.c.tenant == _TENANT,
        POLICIES.c.event_id == sa.bindparam("version", type_=sa.Text()),
        POLICIES.c.policy.is_not(None),
    ),
    "tenant",
    "version",
)
_BEING_BUILT: Final = compiled(
    sa.select(*row_columns(RESOLUTIONS)).where(RESOLUTIONS.c.tenant == _TENANT, RESOLUTIONS.c.state == _BUILDING),
    "tenant",
)
_RECORD: Final = insert_with(POLICIES, _keep_least)
_TO_ROLL_OUT: Final = _to_roll_out()
_RETIRE_OTHERS: Final = compiled(
    sa.update(RESOLUTIONS)
    .values(state=_RETIRED, retired_at=sa.func.now())
    .where(
        RESOLUTIONS.c.tenant == _TENANT,
        RESOLUTIONS.c.state == _BUILDING,
        RESOLUTIONS.c.resolution_id != _RESOLUTION,
    ),
    "tenant",
    "resolution_id",
)
_BEGIN: Final = _begin()
_PROGRESS: Final = compiled(
    sa.update(RESOLUTIONS)
    .values(
        done=RESOLUTIONS.c.done + sa.bindparam("number", type_=sa.Integer()),
        position=sa.bindparam("position", type_=sa.Text()),
    )
    .where(*_ONE)
    .returning(*row_columns(RESOLUTIONS)),
    "tenant",
    "resolution_id",
    "number",
    "position",
)
_RETIRE: Final = _retire()
_ACTIVATE: Final = compiled(sa.update(RESOLUTIONS).values(state=_ACTIVE).where(*_ONE), "tenant", "resolution_id")
_RETIRED_FOR: Final = compiled(
    sa.select(*key_columns(RESOLUTIONS))
    .where(
        RESOLUTIONS.c.state == _RETIRED,
        RESOLUTIONS.c.retired_at
        <= sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.bindparam("seconds", type_=sa.Double())),
    )
    .order_by(*key_columns(RESOLUTIONS)),
    "seconds",
)
_DELETE: Final = compiled(sa.delete(RESOLUTIONS).where(*_ONE), "tenant", "resolution_id")


class ResolutionInUse(NamedTuple):
    """An active or building resolution with the text of its policy, None for the default one.

    ``region`` is the tenant's default region, if the tenant is registered.
    """

    tenant: str
    resolution_id: str
    version: str
    active: bool
    policy: str | None
    region: str | None

    @property
    def key(self) -> ResolutionKey:
        """The key of its rows."""
        return ResolutionKey(self.tenant, self.resolution_id)


def resolution_id_of(version: str, content: str) -> str:
    """The id of the resolution by a policy: by the id of its event, which may be of any length, and its content."""
    return blake2b(f"{version}\0{content}".encode(), digest_size=8).hexdigest()


def policy_of(resolution: ResolutionInUse, region: str) -> Policy:
    """The policy of a resolution. ``region`` is for tenants without one of their own."""
    return policy_in(resolution.policy, resolution.region or region)


@lru_cache(maxsize=1024)
def policy_in(text: str | None, region: str) -> Policy:
    """The policy in the text of an event, None for the default one. ``region`` is for a policy that names none."""
    return Policy.from_log(orjson.loads(text) if text else {}, region)


async def share(connection: Connection, tenants: Collection[str]) -> None:
    """Keep the resolutions of these tenants as they are until the transaction ends. Waits while they are changed."""
    await connection.execute(_SHARE, sorted(tenants))


async def lock(connection: Connection, tenant: str) -> None:
    """Keep all others from writing the identity of a tenant until the transaction ends. Waits while they write."""
    await connection.execute(_ALONE, tenant)


async def record(connection: Connection, policies: Sequence[PolicyRow]) -> int:
    """Add policies; of the copies of one event the least stays. Returns how many events were new."""
    known = await load(connection, POLICIES, [key_of(POLICIES, row) for row in policies])
    await insert(connection, _RECORD, policies)
    return len(policies) - len(known)


async def resolutions_in_use(connection: Connection, tenants: Collection[str]) -> list[ResolutionInUse]:
    """The active resolution of each tenant, and the one that is being built, if one is."""
    return _found(await connection.fetch(_IN_USE, list(tenants)))


async def active_resolution(connection: Connection, tenant: str) -> ResolutionInUse:
    """The resolution that readers read."""
    (found,) = await active_resolutions(connection, [tenant])
    return found


async def active_resolutions(connection: Connection, tenants: Collection[str]) -> list[ResolutionInUse]:
    """The resolution of each tenant that readers read."""
    return _found(await connection.fetch(_ACTIVE_ONES, list(tenants)))


def _found(records: Collection[Any]) -> list[ResolutionInUse]:
    rows = [tuple(record) for record in records]
    resolutions = [
        ResolutionInUse(tenant, resolution_id, version, state == _ACTIVE, policy, region)
        for tenant, resolution_id, version, state, policy, region in rows
        if resolution_id is not None
    ]
    have = {one.tenant for one in resolutions if one.active}
    regions = {tenant: region for tenant, *_, region in rows if tenant not in have}
    return resolutions + [
        ResolutionInUse(tenant, DEFAULT_VERSION, DEFAULT_VERSION, active=True, policy=None, region=region)
        for tenant, region in regions.items()
    ]


async def policies_of(connection: Connection, tenant: str, most: int) -> list[PolicyRow]:
    """The policies that a tenant set, the one in force first."""
    return [PolicyRow(*row) for row in await connection.fetch(_IN_FORCE, tenant, most)]


async def policy_of_version(connection: Connection, tenant: str, version: str) -> PolicyRow | None:
    """The policy that a tenant set by the event of this id, if it set one."""
    row = await connection.fetchrow(_OF_VERSION, tenant, version)
    return PolicyRow(*row) if row else None


async def building_resolution(connection: Connection, tenant: str) -> ResolutionRow | None:
    """The resolution that is being built, if one is."""
    row = await connection.fetchrow(_BEING_BUILT, tenant)
    return ResolutionRow(*row) if row else None


async def lock_rollout(connection: Connection) -> bool:
    """Try to become the only rollout of this schema, for as long as the connection lasts."""
    return bool(await connection.fetchval(_ROLLOUT))


async def tenants_to_roll_out(connection: Connection) -> list[str]:
    """The tenants whose active resolution is not by the policy in force."""
    return [row[0] for row in await connection.fetch(_TO_ROLL_OUT)]


async def all_tenants(connection: Connection) -> list[str]:
    """Every tenant that is registered, has set a policy or has a resolution of its own."""
    return [row[0] for row in await connection.fetch(_ALL_TENANTS)]


async def begin(connection: Connection, policy: PolicyRow) -> ResolutionRow:
    """Begin or continue the resolution by a policy, and retire any other one that is being built."""
    await connection.execute(_RETIRE_OTHERS, policy.tenant, policy.resolution_id)
    (row,) = await connection.fetch(_BEGIN, policy.tenant, policy.resolution_id, policy.event_id)
    return ResolutionRow(*row)


def position_of(resolution: ResolutionRow) -> tuple[UUID, str]:
    """The (contact_id, event_id) of the last statement that was folded into a resolution."""
    contact_id, _, event_id = resolution.position.partition(" ")
    return (UUID(contact_id) if contact_id else _NO_CONTACT, event_id)


async def note_progress(
    connection: Connection, resolution: ResolutionRow, last: StatementRow, number: int
) -> ResolutionRow:
    """Note that ``number`` more statements were folded, up to the ``last``."""
    position = f"{last.contact_id} {last.event_id}"
    key = (resolution.tenant, resolution.resolution_id)
    (row,) = await connection.fetch(_PROGRESS, *key, number, position)
    return ResolutionRow(*row)


async def activate(connection: Connection, active: ResolutionInUse, resolution: ResolutionRow) -> None:
    """Make a resolution the active one in the place of another."""
    await connection.execute(_RETIRE, active.tenant, active.resolution_id, active.version)
    await connection.execute(_ACTIVATE, resolution.tenant, resolution.resolution_id)


async def retired_for(connection: Connection, seconds: float) -> list[ResolutionKey]:
    """The resolutions that were retired at least so many seconds ago."""
    return [ResolutionKey(*row) for row in await connection.fetch(_RETIRED_FOR, seconds)]


async def delete(connection: Connection, resolution: ResolutionKey) -> None:
    """Delete the row of a resolution that has no other rows."""
    await connection.execute(_DELETE, *resolution)
