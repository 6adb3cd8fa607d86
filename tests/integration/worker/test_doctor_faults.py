"""Each fault that the doctor claims to notice is made on real servers, one after the other, and mended again."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import NamedTuple, Self

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from projections.engine.generation_records import Generation
from projections.engine.generations import add_generation
from projections.migrations.upgrade import newest_version
from projections.registry import SCHEMA
from schemas.topics import DEAD_LETTERS
from services.doctor import main as doctor
from services.doctor import postgres_checks
from services.runtime.broker import delete_topics, log_ends
from services.runtime.settings import Settings
from services.vault.master_keys import new_master_key
from services.vault.wrapping import new_tenant_key
from tests.support.polling import until
from tests.support.workload import workload
from tests.support.worlds import World, producer

pytestmark = pytest.mark.kafka

Broken = Callable[[World], AbstractAsyncContextManager[Settings]]


class Fault(NamedTuple):
    """What is broken, and the check that finds it: its area, name and state, and words of what it says."""

    area: str
    check: str
    state: str
    says: str
    broken: Broken


def sql(breaks: str, mends: str) -> Broken:
    """Statements that break something, and those that mend it. ``{db}`` is the database."""

    @asynccontextmanager
    async def broken(world: World) -> AsyncIterator[Settings]:
        async with world.connection() as connection:
            database = await connection.fetchval("SELECT current_database()")
            await connection.execute(breaks.replace("{db}", f'"{database}"'))
            yield world.settings
            await connection.execute(mends.replace("{db}", f'"{database}"'))

    return broken


@asynccontextmanager
async def _without_rights(world: World) -> AsyncIterator[Settings]:
    async with world.connection() as connection:
        database = await connection.fetchval("SELECT current_database()")
        role = f"r_{database}"
        await connection.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'w'")
        address = world.settings.database_url.rsplit("@", 1)[1]
        yield world.settings.model_copy(update={"database": f"postgresql://{role}:w@{address}"})
        await connection.execute(f'DROP ROLE "{role}"')


@asynccontextmanager
async def _in_ascii(world: World) -> AsyncIterator[Settings]:
    async with world.connection() as connection:
        database = f"{await connection.fetchval('SELECT current_database()')}_ascii"
        options = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        await connection.execute(f'CREATE DATABASE "{database}" {options}')
        yield world.settings.model_copy(
            update={"database": world.settings.database_url.rsplit("/", 1)[0] + f"/{database}"}
        )
        await connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


@asynccontextmanager
async def _long_transaction(world: World) -> AsyncIterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_checks, "_LONG", 0.0)
        yield world.settings


class _Late(datetime):
    """A clock that is an hour late."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(hours=1)


@asynccontextmanager
async def _late_clock(world: World) -> AsyncIterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "datetime", _Late)
        yield world.settings


def _sealed(*, under_ours: bool, stored: str | None = None) -> Broken:
    """The log has a key that is under a master key which is not given, or is none of those that are; or is damaged."""

    @asynccontextmanager
    async def broken(world: World) -> AsyncIterator[Settings]:
        file = world.home / "other.keys"
        file.write_text(new_master_key())
        wrapped = new_tenant_key("demo", [bytes(32)]).hex() if stored is None else stored
        seal = sql(
            f"INSERT INTO onefold_keys.tenant_keys (tenant, wrapped) VALUES ('demo', '\\x{wrapped}')",
            "DELETE FROM onefold_keys.tenant_keys",
        )
        async with seal(world):
            yield world.settings.model_copy(update={"master_key_file": file if under_ours else None})

    return broken


def at(changed: str) -> Broken:
    """Another address: ``{}`` stands for the name of the database, else it is instead of it."""

    @asynccontextmanager
    async def broken(world: World) -> AsyncIterator[Settings]:
        server, _, name = world.settings.database_url.rpartition("/")
        path = changed.format(f"/{name}")
        yield world.settings.model_copy(update={"database": f"{server}{path}"})

    return broken


_DELETION = "INSERT INTO onefold.deletion_requests (code, tenant, source, channel, requested_at)"
_TENANT = "INSERT INTO onefold.tenants (tenant, name, default_region) VALUES ('shop', 'Shop', 'TW')"
_NO_TENANT = "DELETE FROM onefold.tenants"
_GENERATION = "UPDATE onefold.generations SET"
POSTGRES: Sequence[Fault] = (
    Fault("PostgreSQL", "permissions", "failed", "GRANT CREATE ON DATABASE", _without_rights),
    Fault("PostgreSQL", "encoding", "failed", "SQL_ASCII. .* make the database again", _in_ascii),
    Fault(
        "PostgreSQL",
        "durability",
        "warning",
        "synchronous_commit off. .* set it to on",
        sql("ALTER DATABASE {db} SET synchronous_commit = off", "ALTER DATABASE {db} RESET synchronous_commit"),
    ),
    Fault("PostgreSQL", "transactions", "warning", "is open for .* pg_stat_activity and end it", _long_transaction),
    Fault("PostgreSQL", "clock", "warning", "3[56].* s ahead of .* NTP", _late_clock),
    Fault(
        "tables",
        "migrations",
        "failed",
        "at 0001, .* run `onefold migrate`",
        sql(
            "UPDATE onefold.schema_version SET version_num = '0001'",
            f"UPDATE onefold.schema_version SET version_num = '{newest_version()}'",
        ),
    ),
    Fault("tables", "tenants", "warning", "1, and no key. .*onefold keys add", sql(_TENANT, _NO_TENANT)),
    Fault(
        "tables",
        "deletion requests",
        "warning",
        "1 are open. .*onefold deletions list",
        sql(
            f"{_TENANT}; {_DELETION} VALUES ('c', 'shop', 's', 'facebook', now())",
            f"DELETE FROM onefold.deletion_requests; {_NO_TENANT}",
        ),
    ),
    Fault(
        "tables",
        "generation",
        "failed",
        "none is active. run `onefold migrate`",
        sql(f"{_GENERATION} state = 'retired'", f"{_GENERATION} state = 'active'"),
    ),
    Fault(
        "tables",
        "generation",
        "failed",
        "g1 was made by another version .* run the version that made it",
        sql(f"{_GENERATION} schema_digest = 'x'", f"{_GENERATION} schema_digest = '{SCHEMA.digest}'"),
    ),
    Fault(
        "tables",
        "generation",
        "failed",
        "g1 lacks 1 tables. .*onefold migrate --fresh",
        sql("ALTER TABLE g1.tags RENAME TO labels", "ALTER TABLE g1.labels RENAME TO tags"),
    ),
    Fault(
        "tables",
        "views",
        "failed",
        "tags do not show g1. run `onefold migrate`",
        sql("ALTER VIEW onefold_views.tags RENAME TO labels", "ALTER VIEW onefold_views.labels RENAME TO tags"),
    ),
    Fault("tables", "log keys", "failed", "is not set. restore the file", _sealed(under_ours=False)),
    Fault("tables", "log keys", "failed", "does not have the master key .* restore", _sealed(under_ours=True)),
    Fault("tables", "log keys", "failed", "damaged: restore the schema", _sealed(under_ours=True, stored="ff")),
    Fault("PostgreSQL", "reachable", "failed", "no database of this name. .*CREATE DATABASE", at("/none")),
    Fault("PostgreSQL", "reachable", "failed", "no TLS where .* change sslmode", at("{}?sslmode=require")),
    Fault(
        "PostgreSQL", "reachable", "failed", "can't be read. write it as postgresql://", at("{}?target_session_attrs=x")
    ),
)


def configured(name: str, value: str, mended: str) -> Broken:
    """A setting of the topic of events."""

    @asynccontextmanager
    async def broken(world: World) -> AsyncIterator[Settings]:
        await world.configure_log(name, value)
        yield world.settings
        await world.configure_log(name, mended)

    return broken


@asynccontextmanager
async def _beside_other_code(world: World) -> AsyncIterator[Settings]:
    generation = Generation("g2", "", "")
    async with world.connection() as connection:
        other = replace(SCHEMA, fold_versions={**SCHEMA.fold_versions, "tags": 99})
        await add_generation(connection, generation, other)
        yield world.settings
        await connection.execute("DELETE FROM onefold.generations WHERE name = 'g2'; DROP SCHEMA g2 CASCADE")


@asynccontextmanager
async def _dead_letter(world: World) -> AsyncIterator[Settings]:
    async with producer(world.settings) as sender:
        await sender.send_and_wait(DEAD_LETTERS.full_name(world.settings.topic_prefix), b"{", b"key")
    yield world.settings


@asynccontextmanager
async def _deleted_records(world: World) -> AsyncIterator[Settings]:
    """The log's first records are gone, and only one of them was folded. The records are gone for good."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.kafka_servers)
    await admin.start()
    await admin.delete_records({TopicPartition(world.topic, 1): RecordsToDelete(before_offset=5)})
    await admin.close()
    async with sql(_MOVED.format("(1 - next_offset)"), _MOVED.format("0"))(world) as settings:
        yield settings


@asynccontextmanager
async def _missing_topic(world: World) -> AsyncIterator[Settings]:
    name = DEAD_LETTERS.full_name(world.settings.topic_prefix)
    await delete_topics(world.settings, [name])

    async def found() -> bool:
        return (name, "failed") in {(one.check, one.state) for one in await doctor.examine(world.settings, {})}

    await until(found, 240, "the topic was not deleted")
    yield world.settings


_FOLDED = "INSERT INTO g1.offsets (topic, partition, next_offset) VALUES ('{}', {}, {})"
_MOVED = "UPDATE g1.offsets SET next_offset = next_offset + {} WHERE partition = 1"


def kafka_faults(topic: str) -> Sequence[Fault]:
    """Those of a log that is folded."""
    of_topic = partial(Fault, "topics", topic)
    return (
        Fault("workers", "running", "failed", "start one: onefold worker", sql("SELECT 1", "SELECT 1")),
        Fault(
            "workers",
            "lag",
            "failed",
            "5 records are left, .*onefoldlagging",
            sql(_MOVED.format("-5"), _MOVED.format("5")),
        ),
        of_topic("failed", "retention.ms is 90+. .* retention.ms=-1", configured("retention.ms", "9000000000", "-1")),
        of_topic(
            "failed", "retention.bytes is 90+. .* retention.bytes=-1", configured("retention.bytes", "9000000", "-1")
        ),
        of_topic(
            "failed", "it is compacted. .* cleanup.policy=delete", configured("cleanup.policy", "compact", "delete")
        ),
        of_topic(
            "failed",
            "max.message.bytes is 1000. set max.message.bytes=",
            configured("max.message.bytes", "1000", "2097152"),
        ),
        of_topic(
            "failed",
            "1 partitions that were folded are gone. .* restore",
            sql(_FOLDED.format(topic, 99, 0), "DELETE FROM g1.offsets WHERE partition = 99"),
        ),
        Fault(
            "workers",
            "log",
            "failed",
            "end before what was folded: .*kafka-lost-data",
            sql(_MOVED.format("10000"), _MOVED.format("-10000")),
        ),
        Fault(
            "workers",
            "customer changes",
            "failed",
            "1 changes wait, the oldest for 3.*onefoldchangeslate",
            sql(
                "INSERT INTO onefold.outbox (changes_suffix, tenant, customer_id, seq, part, payload, stored_at) "
                "VALUES ('', 'shop', gen_random_uuid(), 1, 0, '{}', now() - interval '1 hour')",
                "DELETE FROM onefold.outbox",
            ),
        ),
        Fault(
            "workers",
            "customer rows",
            "failed",
            "1 chunks are not in them .*onefoldcustomerrowslate",
            sql(
                "INSERT INTO g1.touched (tenant, contacts, seen, customers, noted_at) "
                "VALUES ('shop', '{}', '{}', '{}', now() - interval '1 hour')",
                "DELETE FROM g1.touched",
            ),
        ),
        Fault("workers", "clocks", "warning", "are dated in the future. .* NTP", _late_clock),
        Fault("workers of g2", "running", "warning", "another version .*generations drop g2", _beside_other_code),
        Fault("workers", "dead letters", "warning", "at most 1. .*onefold dead-letters list", _dead_letter),
        Fault("workers", "log", "failed", "begin after what was folded: .*kafka-lost-data", _deleted_records),
    )


async def seen(settings: Settings) -> dict[tuple[str, str], tuple[str, str]]:
    """The state of each check, and what it says."""
    found = await doctor.examine(settings, {})
    return {(one.area, one.check): (one.state, f"{one.found}. {one.advice}") for one in found}


async def require_found(world: World, fault: Fault, **changes: None) -> None:
    async with fault.broken(world) as settings:
        checks = await seen(settings.model_copy(update=changes))
    state, says = checks.get((fault.area, fault.check), ("", f"nothing of {sorted(checks)}"))
    assert (state, bool(re.search(fault.says, says))) == (fault.state, True), f"{fault[:4]}: {state}, {says}"


async def test_each_fault_of_postgresql_and_its_tables_is_found(world: World) -> None:
    before = await _states_without_kafka(world)
    assert before["tables", "tenants"] == "warning", "there is none"
    for fault in POSTGRES:
        await require_found(world, fault, kafka=None)
    assert await _states_without_kafka(world) == before, "all is mended"


async def _states_without_kafka(world: World) -> dict[tuple[str, str], str]:
    """The state of each check, but of the server's connections: other tests have most of them."""
    found = await seen(world.settings.model_copy(update={"kafka": None}))
    return {place: state for place, (state, _) in found.items() if place != ("PostgreSQL", "connections")}


async def test_each_fault_of_the_log_and_of_what_folds_it_is_found(world: World) -> None:
    await world.produce(workload(200, 20, seed=4))
    ends = await log_ends(world.settings.kafka_servers, world.topic)
    async with world.connection() as connection:
        for number, end in ends.items():
            await connection.execute(_FOLDED.format(world.topic, number, end))
    sound = await seen(world.settings)
    for check in ("log", "lag", "clocks", "dead letters", "customer changes", "customer rows"):
        assert sound["workers", check][0] == "ok", sound
    assert sound["topics", world.topic][0] == "ok"
    for fault in kafka_faults(world.topic):
        await require_found(world, fault)
    name = DEAD_LETTERS.full_name(world.settings.topic_prefix)
    await require_found(world, Fault("topics", name, "failed", "it does not exist. .*onefold migrate", _missing_topic))
