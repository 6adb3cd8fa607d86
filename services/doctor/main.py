"""Looks at one area after the other. What can't be reached fails its own area, and the next one is looked at."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from projections.engine.connection import Connection
from projections.engine.followed_topics import read_followed
from projections.engine.generation_records import ACTIVE, BUILDING, Generation, GenerationRecord
from projections.engine.generations import all_generations
from projections.engine.touched import TOUCHED, behind
from projections.identity import outbox
from projections.registry import SCHEMA
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, WITHOUT_CHANGES, Topic
from services.doctor import http_checks, kafka_checks, postgres_checks, progress_checks, queries
from services.doctor.cluster import Cluster, LogPartition, TopicFacts, open_cluster
from services.doctor.finding import Area, CheckResult
from services.doctor.folder_checks import check_folder
from services.doctor.progress_checks import LogState
from services.doctor.settings_checks import check_settings
from services.runtime.broker import BROKER_ERRORS
from services.runtime.database import DATABASE_ERRORS, dedicated_connection, open_engine
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities
from services.runtime.unreachable import server_of, trouble_of

_WITHIN: Final = 30.0  # seconds, for one area
_FOLDED: Final = (CHANNEL_EVENTS, IDENTITY_EVIDENCE)
_FOREIGN_ERRORS: Final = (
    *DATABASE_ERRORS,
    *BROKER_ERRORS,
    TimeoutError,
    ValueError,
)  # the last: an address that is none


async def examine(settings: Settings, environment: Mapping[str, str]) -> list[CheckResult]:
    """Every check of the installation that these settings describe."""
    found = [*check_settings(settings, environment), *check_folder(settings.data_dir)]
    generations: list[GenerationRecord] = []
    if settings.database:
        found += [one async for one in _within(postgres_checks.SERVER, _postgres(settings, generations))]
    if settings.kafka:
        found += [one async for one in _within(kafka_checks.CLUSTER, _kafka(settings, generations))]
    service = environment.get("ONEFOLD_URL") or f"http://{settings.host}:{settings.port}"
    worker = environment.get("ONEFOLD_WORKER_URL") or f"http://{settings.host}:{settings.worker_port}"
    found.append(await http_checks.check_process("service", service, "ONEFOLD_URL"))
    found.append(await http_checks.check_process("worker", worker, "ONEFOLD_WORKER_URL"))
    return found


async def _within(area: Area, results: AsyncIterator[CheckResult]) -> AsyncIterator[CheckResult]:
    """The results until the server fails, and then why."""
    answered = False
    try:
        async with asyncio.timeout(_WITHIN):
            async for one in results:
                answered = True
                yield one
    except _FOREIGN_ERRORS as error:
        server = server_of(error, area.name)  # what is asked of Kafka is compared with tables
        yield Area(server).failed("reachable", *trouble_of(error, server, answered=answered))


async def _postgres(settings: Settings, generations: list[GenerationRecord]) -> AsyncIterator[CheckResult]:
    async with _connected(settings) as connection:
        asked = datetime.now(UTC)
        facts = await queries.server_facts(connection)
        for one in postgres_checks.check_server(facts, asked, datetime.now(UTC)):
            yield one
        async for one in postgres_checks.check_tables(connection):
            yield one
        yield await postgres_checks.check_master_keys(connection, settings)
        known = await all_generations(connection)
        generations += [one for one in known if await queries.tables_of(connection, one.name)]  # others: not restored
    async with open_engine(settings.database_url, max_size=1, name="onefold-doctor") as engine:
        for one in await postgres_checks.check_sources(engine, settings):
            yield one


async def _kafka(settings: Settings, generations: list[GenerationRecord]) -> AsyncIterator[CheckResult]:
    async with open_cluster(settings.kafka_servers) as cluster:
        for one in await kafka_checks.check_cluster(cluster):
            yield one
        fed = [one.generation for one in generations if one.fed]
        active = next((one for one in generations if one.state == ACTIVE), None)
        if active is None:
            return
        async with _connected(settings) as connection:
            await connection.execute(f"SET search_path TO {active.name}")
            wanted = _wanted(settings, generations)
            known = await cluster.topics(wanted)
            for one in kafka_checks.check_topics(wanted, known, await postgres_checks.folded_offsets(connection)):
                yield one
            async for one in _identities(settings, connection, fed, wanted):
                yield one
            if not known.keys() >= wanted.keys():
                return
            async for one in _progress(settings, cluster, active, _places(settings, active, known)):
                yield one
            yield progress_checks.check_outbox(await outbox.waiting(connection), await outbox.oldest_age(connection))
            if TOUCHED.name in await queries.tables_of(connection, active.name):  # other code has none
                yield progress_checks.check_customer_rows(*await behind(connection))
        yield await progress_checks.check_dead_letters(cluster, settings)
        places = _places(settings, active, known)
        now = int(datetime.now(UTC).timestamp() * 1000)
        yield progress_checks.check_dates(await cluster.dated_after(places, now))
        others = [one for one in generations if one.fed and one is not active]
        for other in others:
            async for one in _beside(settings, cluster, other, _places(settings, other, known)):
                yield replace(one, area=f"{one.area} of {other.name}")


def _wanted(settings: Settings, generations: Iterable[GenerationRecord]) -> dict[str, Topic]:
    """The topics of the generations that are fed; those of the past announce nothing."""
    fed = [one for one in generations if one.fed]
    whole = [one.generation for one in fed if not one.partial]
    past = [one.generation for one in fed if one.partial]
    prefix = settings.topic_prefix
    return kafka_checks.wanted_topics(whole, prefix) | kafka_checks.wanted_topics(past, prefix, WITHOUT_CHANGES)


async def _identities(
    settings: Settings, connection: Connection, fed: Iterable[Generation], wanted: Collection[str]
) -> AsyncIterator[CheckResult]:
    """Whether each generation's topics are those that it was folded from."""
    now = await topic_identities(settings.kafka_servers, wanted)
    for each in fed:
        followed = await read_followed(connection, each.name)
        for one in kafka_checks.check_identities(each.name, followed, now):
            yield one


async def _beside(
    settings: Settings, cluster: Cluster, generation: GenerationRecord, places: list[LogPartition]
) -> AsyncIterator[CheckResult]:
    """Of a generation that is fed beside the active one. What is not read yet is no problem of the installation."""
    if generation.schema_digest != SCHEMA.digest:
        yield progress_checks.of_other_code(generation.name)
        return
    async for one in _progress(settings, cluster, generation, places):
        tolerable = generation.state == BUILDING and one.state == "failed"
        yield replace(one, state="warning") if tolerable else one


def _places(settings: Settings, one: GenerationRecord, known: Mapping[str, TopicFacts]) -> list[LogPartition]:
    """The partitions that the generation folds."""
    names = [one.generation.topic_name(topic, settings.topic_prefix) for topic in _FOLDED]
    return [(name, number) for name in names for number in range(known[name].partitions)]


async def _progress(
    settings: Settings, cluster: Cluster, generation: GenerationRecord, places: list[LogPartition]
) -> AsyncIterator[CheckResult]:
    """Whether the generation's workers run, and how far it is in the log."""
    async with _connected(settings) as connection:
        await connection.execute(f"SET search_path TO {generation.name}")

        async def look() -> LogState:
            folded = await postgres_checks.folded_offsets(connection)
            return LogState(folded, await cluster.bounds(places))

        state = await look()
        for one in progress_checks.check_log(state):
            yield one
        yield await progress_checks.check_workers(cluster, f"{settings.topic_prefix}-{generation.name}")
        yield await progress_checks.check_progress(state, look)


def _connected(settings: Settings) -> AbstractAsyncContextManager[Connection]:
    return dedicated_connection(settings.database_url, schema="onefold", silent_for=60.0, name="onefold-doctor")
