"""The test bed: own Kafka and PostgreSQL, as `onefold up` runs them, deleted afterwards.

They are durable: PostgreSQL's fsync and synchronous_commit are on. Their data are beside those of `onefold up`, on the
same disk, and not in a temporary directory, which may be memory.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka import AIOKafkaProducer
from rich.console import Console

from benchmarks.figures import BenchmarkFailed
from projections.engine.connection import Connection
from projections.migrations.tables import OUTBOX_POSITIONS
from schemas.topics import CHANNEL_EVENTS, Topic
from services.embedded.ports import free_port
from services.embedded.postgres import DATABASE
from services.embedded.process import Lease, Process, Program, log_tail
from services.embedded.service_processes import environment
from services.embedded.stack import Stack
from services.runtime.broker import ensure_topics, log_ends
from services.runtime.settings import Settings

PARTITIONS: Final = 8
_IN_FLIGHT: Final = 20_000
_EMPTY: Final = "g1"  # the generation in the database that the stack prepares

KeyAndValue = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Bed:
    """Running servers, and a folder for files that is deleted with them."""

    settings: Settings
    broker_name: str
    home: Path
    lease: Lease
    console: Console

    async def fill_log(self, prefix: str, records: Iterable[KeyAndValue], topic: Topic = CHANNEL_EVENTS) -> int:
        """Append the records to a topic with this prefix, which is created; return their number."""
        await ensure_topics(self.settings.model_copy(update={"topic_prefix": prefix}))
        name, sent, before = topic.full_name(prefix), 0, await self.records_in(prefix, topic)
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_servers, acks="all", linger_ms=20, max_batch_size=262_144
        )
        async with producer:
            for key, value in records:
                await producer.send(name, value=value, key=key)
                sent += 1
                if sent % _IN_FLIGHT == 0:
                    await producer.flush()
            await producer.flush()
        if await self.records_in(prefix, topic) != before + sent:
            raise BenchmarkFailed("Kafka holds other records than were sent; the machine may be too busy")
        return sent

    async def records_in(self, prefix: str, topic: Topic) -> int:
        """Return the number of records of a topic."""
        return sum((await log_ends(self.settings.kafka_servers, topic.full_name(prefix))).values())

    @contextlib.asynccontextmanager
    async def generation(self, name: str, prefix: str, like: Settings | None = None) -> AsyncIterator[Settings]:
        """Yield settings with a database of this name that has one empty generation of this name; drop it afterwards.

        With ``like``, the settings of a generation that no process uses, it is a copy of that one. A worker's consumer
        group is named after the generation, so it is new, too.
        """
        try:
            yield await self.lasting_generation(name, prefix, like)
        finally:
            await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def lasting_generation(self, name: str, prefix: str, like: Settings | None = None) -> Settings:
        """Return the same for a generation that is kept as long as the servers run."""
        before = generation_of(like) if like else _EMPTY
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{before if like else DATABASE}"')
        url = self.settings.database_url.rsplit("/", 1)[0] + f"/{name}"
        async with connected(url) as connection:
            await connection.execute(f"ALTER SCHEMA {before} RENAME TO {name}")
            await connection.execute("UPDATE onefold.generations SET name = $1", name)
            await connection.execute(f"TRUNCATE {OUTBOX_POSITIONS.fullname}")  # of the copied outbox
            await connection.execute("CHECKPOINT")  # so that earlier writes do not cost time later
        return self.settings.model_copy(update={"database": url, "topic_prefix": prefix, "worker_port": free_port()})

    async def _execute(self, statement: str) -> None:
        async with connected(self.settings.database_url.rsplit("/", 1)[0] + "/postgres") as connection:
            await connection.execute(statement)

    @contextlib.contextmanager
    def process(self, settings: Settings, name: str, *arguments: str) -> Iterator[Process]:
        """Run a Python process with these settings until the block ends."""
        log = self.home / "logs" / f"{name}.log"
        process = Process(Program(name, (sys.executable, *arguments), log, env=environment(settings)), self.lease)
        try:
            yield process
        finally:
            process.stop()


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Yield a new connection, closed afterwards."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def generation_of(settings: Settings) -> str:
    """Return the name of the generation of these settings, which is that of its schema and of its database."""
    return settings.database_url.rsplit("/", 1)[1]


@contextlib.asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Connection]:
    """Yield a new connection to the tables of a generation."""
    async with connected(settings.database_url) as connection:
        await connection.execute(f"SET search_path TO {generation_of(settings)}")
        yield connection


def require_running(process: Process) -> None:
    """Raise BenchmarkFailed, with the end of the process's log, if the process has ended."""
    if process.exit_code is not None:
        raise BenchmarkFailed(
            f"{process.program.name} ended with status {process.exit_code}. {log_tail(process.program.log)}"
        )


@contextlib.contextmanager
def open_bed(given: Settings, console: Console) -> Iterator[Bed]:
    """Start the servers; delete everything afterwards."""
    own = {"kafka": None, "database": None, "secret_key": None, "master_key_file": None, "partitions": PARTITIONS}
    given.data_dir.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=given.data_dir.absolute()))
    home.chmod(0o755)  # PostgreSQL may run as another user
    try:
        settings = given.model_copy(update=own | {"data_dir": home / "data"})
        with Stack(settings, console, servers_only=True) as stack, Lease(home / "run") as lease:
            yield Bed(stack.settings, stack.broker_name, home, lease, console)
    finally:
        _remove(home)


def _remove(home: Path) -> None:
    postgres = home / "data" / "postgres"
    if postgres.is_symlink():  # PostgreSQL's data are kept elsewhere under a home that it can't enter
        shutil.rmtree(os.path.realpath(postgres), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
