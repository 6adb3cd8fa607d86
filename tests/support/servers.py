"""Real servers for tests: shared ones, started by the first process that needs them, and private ones to be killed.

The process that runs the whole session (xdist's controller) holds the lease: the shared servers outlive the workers
that started them, but not the session. Their data is in one temporary directory, which is removed with them.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import asyncpg
import psutil
import pytest
from rich.console import Console

from projections.engine.generations import ensure_generation
from projections.migrations.upgrade import upgrade
from projections.registry import SCHEMA
from services.embedded.broker import Choice, make_broker
from services.embedded.errors import CannotStart
from services.embedded.fallback import FallbackBroker
from services.embedded.kafka import Kafka
from services.embedded.postgres import Postgres
from services.embedded.process import Lease, await_childless
from services.runtime.settings import Settings

_WHERE = "ONEFOLD_TEST_SERVERS"  # inherited by xdist's workers
_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30  # bytes
TEMPLATE = "onefold_template"
TEMPLATE_WITH_READ_MODELS = "onefold_template_with_read_models"
_CONSOLE = Console(stderr=True)
# Shared servers belong to the session, not to the worker that started them, so nothing may close them with a fixture.
_started: list[Kafka | FallbackBroker | Postgres] = []
_leases: list[Lease] = []  # of the shared servers that this process started


@dataclass(frozen=True)
class SharedKafka:
    """The session's broker."""

    bootstrap: str
    real: bool


@dataclass(frozen=True)
class SharedPostgres:
    """The session's database server, with databases to copy: of control tables, and with read models besides."""

    admin_url: str

    def url_of(self, database: str) -> str:
        return self.admin_url.rpartition("/")[0] + f"/{database}"


class Session:
    """The life of the shared servers, held by the process that runs the session."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="onefold-tests-", dir=_folder_in_memory()))
        self._directory.chmod(0o711)  # PostgreSQL, which can't run as root, has to get through
        os.environ[_WHERE] = str(self._directory)
        # Most Kafkas here live for seconds: compiling their code in the best way would take longer than it saves.
        os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        self._lease = Lease(self._directory / "run")

    def end(self) -> None:
        for lease in (self._lease, *_leases):  # without xdist this process also started the servers
            lease.release()
        await_childless(self._directory / "run", 60)
        shutil.rmtree(self._directory, ignore_errors=True)
        os.environ.pop(_WHERE, None)


def _folder_in_memory() -> Path | None:
    """Where files are kept in memory, if there is room: most tests copy a database and drop it, 600 files each time."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM else None


def _directory() -> Path:
    return Path(os.environ[_WHERE])


def shared_kafka() -> SharedKafka:
    """The session's broker; the first process that asks starts it."""
    return SharedKafka(**_once("kafka", _start_kafka))


def shared_postgres() -> SharedPostgres:
    """The session's database server; the first process that asks starts it."""
    return SharedPostgres(**_once("postgres", _start_postgres))


def _once(name: str, start: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    with (_directory() / f"{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = _directory() / f"{name}.json"
        if not file.exists():
            # In a thread: starting PostgreSQL runs an event loop, and pytest-asyncio has one here.
            with ThreadPoolExecutor(1) as aside:
                file.write_text(json.dumps(aside.submit(start).result()))
        found: dict[str, Any] = json.loads(file.read_text())
        return found


def _start_kafka() -> dict[str, Any]:
    home = _directory() / "shared"
    broker = make_broker(home, _shared_lease(), _CONSOLE, wanted=_wanted())
    broker.start()
    _started.append(broker)
    return asdict(SharedKafka(broker.bootstrap, isinstance(broker, Kafka)))


def _shared_lease() -> Lease:
    _leases.append(Lease(_directory() / "run"))
    return _leases[-1]


def _wanted() -> Choice:
    """The broker that `onefold up` would start."""
    return Settings().broker


def _start_postgres() -> dict[str, Any]:
    home = _directory() / "shared"
    server = Postgres(home / "postgres", home / "logs" / "postgres.log", _shared_lease(), durable=False)
    server.start()
    _started.append(server)
    asyncio.run(_make_templates(server))
    return asdict(SharedPostgres(server.url_of("postgres")))


async def _make_templates(server: Postgres) -> None:
    await _execute(server.url_of("postgres"), f'CREATE DATABASE "{TEMPLATE}"')
    await upgrade(server.url_of(TEMPLATE))
    await _execute(server.url_of("postgres"), f'CREATE DATABASE "{TEMPLATE_WITH_READ_MODELS}" TEMPLATE "{TEMPLATE}"')
    connection = await asyncpg.connect(server.url_of(TEMPLATE_WITH_READ_MODELS))
    await ensure_generation(connection, SCHEMA)
    await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def fresh_database(server: SharedPostgres, template: str = TEMPLATE) -> AsyncIterator[str]:
    """The URL of a new database with the tables of the template; it is dropped in the end."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    await _execute(server.admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield server.url_of(name)
    finally:
        await _execute(server.admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def signal_tree(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to all that it started; those that have ended are left out."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.send_signal(number)


class OwnServer:
    """A private server that a test may stop, start again with the same data and port, and kill."""

    def __init__(self, server: Kafka | Postgres) -> None:
        self._server = server

    async def start(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def kill(self) -> None:
        """As `kill -9`."""
        await asyncio.to_thread(self._server.kill)

    def suspend(self) -> None:
        """Send SIGSTOP to the server and its children: they keep their connections, and answer nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if (process := self._server.process) is not None and process.pid is not None:
            signal_tree(process.pid, number)


class OwnKafka(OwnServer):
    """A private Apache Kafka."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(kafka)
        self.bootstrap = kafka.bootstrap


class OwnPostgres(OwnServer):
    """A private PostgreSQL, with the durability that production has."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(postgres)
        self._postgres = postgres

    @property
    def url(self) -> str:
        return self._postgres.url

    async def start(self) -> None:
        await super().start()
        await upgrade(self.url)


@asynccontextmanager
async def own_kafka() -> AsyncIterator[OwnKafka]:
    """A started Apache Kafka; skips on a machine without it."""
    with own_home() as (home, lease):
        broker = make_broker(home, lease, _CONSOLE, wanted=_wanted())
        if not isinstance(broker, Kafka):
            refuse_fallback()
        else:
            own = OwnKafka(broker)
            try:
                await own.start()
            except CannotStart:  # a test beside this one took the port that was free a moment ago
                elsewhere = home / "again"
                elsewhere.mkdir(mode=0o711)
                again = make_broker(elsewhere, lease, _CONSOLE, wanted="kafka")
                assert isinstance(again, Kafka)
                own = OwnKafka(again)
                await own.start()
            try:
                yield own
            finally:
                await own.kill()  # nobody needs its data


@asynccontextmanager
async def own_postgres() -> AsyncIterator[OwnPostgres]:
    """A started PostgreSQL with the control tables."""
    with own_home() as (home, lease):
        own = OwnPostgres(Postgres(home / "postgres", home / "logs" / "postgres.log", lease))
        await own.start()
        try:
            yield own
        finally:
            await own.stop()


@contextmanager
def own_home() -> Iterator[tuple[Path, Lease]]:
    """A folder for private servers and the lease of their processes; it is removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="own-", dir=_directory()))
    home.chmod(0o711)
    with Lease(home / "run") as lease:
        yield home, lease
    shutil.rmtree(home, ignore_errors=True)


def refuse_fallback() -> NoReturn:
    """End a test that needs Apache Kafka: skip it on a machine without, fail it in CI, which must have it."""
    reason = "needs Apache Kafka, and only the fallback broker is available here"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
