"""What the doctor asks PostgreSQL."""

from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.engine.views import VIEWS_SCHEMA
from projections.migrations.tables import DELETION_REQUESTS, KEYS, SCHEMA, TENANTS


class ServerFacts(NamedTuple):
    """The server and the database: ``version`` is a number such as 180001, sizes are bytes, times seconds."""

    version: int
    version_text: str
    encoding: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    most_connections: int
    connections: int
    may_create: bool
    size: int
    oldest_transaction: float
    collation_changed: bool
    now: datetime


class ControlFacts(NamedTuple):
    """How much there is in the control tables."""

    tenants: int
    keys: int
    open_deletions: int


def _setting(name: str) -> sa.Function[str]:
    return sa.func.current_setting(name)


_ACTIVITY: Final = sa.table(
    "pg_stat_activity", sa.column("xact_start"), sa.column("backend_type"), sa.column("datname")
)
_DATABASE: Final = sa.table("pg_database", sa.column("datname"), sa.column("oid"), sa.column("datcollversion"))
_VIEWS: Final = sa.table("pg_views", sa.column("schemaname"), sa.column("viewname"), sa.column("definition"))
_TABLES: Final = sa.table("pg_tables", sa.column("schemaname"), sa.column("tablename"))
_VERSIONS: Final = sa.table("schema_version", sa.column("version_num"), schema=SCHEMA)
_CLIENTS: Final = _ACTIVITY.c.backend_type == "client backend"
_AGE: Final = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(_ACTIVITY.c.xact_start))

_SERVER: Final = compiled(
    sa.select(
        sa.cast(_setting("server_version_num"), sa.Integer),
        _setting("server_version"),
        _setting("server_encoding"),
        _setting("fsync"),
        _setting("full_page_writes"),
        _setting("synchronous_commit"),
        sa.cast(_setting("max_connections"), sa.Integer),
        sa.select(sa.func.count()).select_from(_ACTIVITY).where(_CLIENTS).scalar_subquery(),
        sa.func.has_database_privilege(sa.func.current_database(), "CREATE"),
        sa.func.pg_database_size(sa.func.current_database()),
        sa.select(sa.cast(sa.func.coalesce(_AGE, 0), sa.Float))
        .where(_CLIENTS, _ACTIVITY.c.datname == sa.func.current_database())  # others' hold back no dead row here
        .scalar_subquery(),
        sa.select(_DATABASE.c.datcollversion != sa.func.pg_database_collation_actual_version(_DATABASE.c.oid))
        .where(_DATABASE.c.datname == sa.func.current_database())
        .scalar_subquery(),
        sa.func.clock_timestamp(),
    )
)
_CONTROL: Final = compiled(
    sa.select(
        sa.select(sa.func.count()).select_from(TENANTS).scalar_subquery(),
        sa.select(sa.func.count()).select_from(KEYS).where(KEYS.c.revoked_at.is_(None)).scalar_subquery(),
        sa.select(sa.func.count())
        .select_from(DELETION_REQUESTS)
        .where(DELETION_REQUESTS.c.state == "received")
        .scalar_subquery(),
    )
)
_MIGRATED_TO: Final = compiled(sa.select(_VERSIONS.c.version_num))
_ALL_VIEWS: Final = compiled(
    sa.select(_VIEWS.c.viewname, _VIEWS.c.definition).where(_VIEWS.c.schemaname == VIEWS_SCHEMA)
)

_TABLES_OF: Final = compiled(
    sa.select(_TABLES.c.tablename).where(
        _TABLES.c.schemaname == sa.cast(sa.bindparam("schema", type_=sa.Text()), sa.Text())
    ),
    "schema",
)


async def server_facts(connection: Connection) -> ServerFacts:
    """The server and the database of the connection."""
    return ServerFacts(*(await connection.fetch(_SERVER))[0])


async def control_facts(connection: Connection) -> ControlFacts:
    """Counts of the control tables. Raises what PostgreSQL raises if they are not there."""
    return ControlFacts(*(await connection.fetch(_CONTROL))[0])


async def migrated_to(connection: Connection) -> str:
    """The newest migration that was applied to the control schema."""
    return str(await connection.fetchval(_MIGRATED_TO))


async def tables_of(connection: Connection, generation: str) -> set[str]:
    """The names of the tables in the generation's schema."""
    return {row["tablename"] for row in await connection.fetch(_TABLES_OF, generation)}


async def view_definitions(connection: Connection) -> dict[str, str]:
    """The analysts' views, each with its definition."""
    return {row["viewname"]: row["definition"] for row in await connection.fetch(_ALL_VIEWS)}
