"""A whole installation to break: brokers, PostgreSQL, ingress and workers, and what a supervisor does for them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from projections.engine.generation_records import ACTIVE, GenerationRecord
from projections.engine.generations import all_generations
from services.embedded.ports import free_port
from services.embedded.restarts import RESTART_STATUS
from services.runtime.broker import log_ends
from services.runtime.database import open_engine
from tests.support.ingress import add_tenant_with_sources
from tests.support.polling import until
from tests.support.servers import OwnPostgres, OwnServer
from tests.support.worker_processes import ForkServer, WorkerProcess
from tests.support.worlds import World, settings_for

_WORKERS: Final = ("worker-1", "worker-2")
INGRESS: Final = "ingress"
_COMES_BACK_WITHIN: Final = 300.0  # seconds


class Servers(NamedTuple):
    """Started servers: the brokers, the addresses of them all, and PostgreSQL."""

    brokers: Sequence[OwnServer]
    kafka: str
    postgres: OwnPostgres


@dataclass
class Installation:
    """Its servers and processes by name. ``restarted`` are those that asked for it, ``wrong`` what must not be.

    ``there_and_back`` is how often another generation was activated and then the former one again, by commands.
    """

    world: World
    brokers: Sequence[OwnServer]
    postgres: OwnPostgres
    running: dict[str, WorkerProcess] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    server_lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # one server is away at a time
    swap_lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # what it goes back to is not dropped meanwhile
    there_and_back: int = 0
    _broken: set[str] = field(default_factory=set)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def url(self) -> str:
        """Where ingress answers."""
        return f"http://127.0.0.1:{self.world.settings.port}"

    @property
    def workers(self) -> list[str]:
        """The names of the workers, those that no fault has if there are any."""
        return [name for name in _WORKERS if name not in self._broken] or list(_WORKERS)

    def start(self, name: str, *command: str) -> WorkerProcess:
        """Start a process of this name; each start has a log of its own."""
        world = self.world
        log = world.home / f"{len(world.workers):03d}-{name}.log"
        process = WorkerProcess(world.settings, log, world.fork_server, command)
        world.workers.append(process)
        self.running[name] = process
        return process

    def start_service(self, name: str) -> WorkerProcess:
        """Start ingress or a worker."""
        return self.start(name, INGRESS if name == INGRESS else "worker")

    @asynccontextmanager
    async def broken(self, name: str) -> AsyncIterator[WorkerProcess]:
        """The process, for one fault at a time; the supervisor leaves it alone. It runs before and afterwards."""
        async with self._locks[name]:
            self._broken.add(name)
            try:
                self._start_if_ended(name)
                yield self.running[name]
            finally:
                self._start_if_ended(name)
                self._broken.discard(name)

    def _start_if_ended(self, name: str) -> None:
        if not self.running[name].running:
            self.start_service(name)

    async def supervise(self) -> None:
        """Start again what ended by itself, as a supervisor does; only one status asks for that."""
        while True:
            for name in (INGRESS, *_WORKERS):
                process = self.running[name]
                if name in self._broken or process.running:
                    continue
                status = await process.ended(1)
                self.restarted.append(f"{name}: {status}")
                if status != RESTART_STATUS:
                    self.wrong.append(f"{name} ended with status {status}\n{process.output}")
                self.start_service(name)
            await asyncio.sleep(0.5)

    async def generations(self) -> list[GenerationRecord]:
        """Every generation; waits while PostgreSQL is away."""
        found: list[GenerationRecord] = []

        async def read() -> bool:
            async with self.world.connection() as connection:
                found[:] = await all_generations(connection)
            return True

        await until(read, _COMES_BACK_WITHIN, "PostgreSQL does not answer")
        return found

    async def active(self) -> str:
        """The name of the active generation."""
        [active] = [one.name for one in await self.generations() if one.state == ACTIVE]
        return active

    async def comes_back(self) -> None:
        """Wait until ingress is ready, and the active generation has folded what is in the log by then."""
        await until(self._ready, _COMES_BACK_WITHIN, lambda: f"ingress is not ready\n{self.running[INGRESS].output}")
        ends: dict[int, int] = {}

        async def ended() -> bool:
            ends.update(await log_ends(self.world.settings.kafka_servers, self.world.topic))
            return True

        async def folded() -> bool:
            reached = {number: row["next_offset"] for number, row in (await self.world.offsets()).items()}
            return all(reached.get(number, 0) >= end for number, end in ends.items())

        await until(ended, _COMES_BACK_WITHIN, "Kafka does not answer")
        await until(folded, _COMES_BACK_WITHIN, lambda: f"the log is not folded\n{self.outputs}")

    async def _ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.url}/readyz", timeout=5)).is_success

    @property
    def outputs(self) -> str:
        """The ends of all logs of what runs."""
        return "\n".join(f"--- {one.log.name} {one.running=}\n{one.output}" for one in self.running.values())


@asynccontextmanager
async def installed(
    servers: Servers, prefix: str, home: Path, fork_server: ForkServer
) -> AsyncIterator[tuple[Installation, str]]:
    """A started installation on these servers, and a key for its ingress. Its processes are killed in the end."""
    others = {"port": free_port(), "replication": len(servers.brokers)}
    settings = settings_for(servers.kafka, servers.postgres.url, prefix, home, **others)
    world = await World(settings, home, fork_server).prepare()
    async with open_engine(settings.database_url) as engine:
        key = await add_tenant_with_sources(engine)
    made = Installation(world, servers.brokers, servers.postgres)
    for name in (INGRESS, *_WORKERS):
        made.start_service(name)
    supervisor = asyncio.create_task(made.supervise())
    try:
        await made.comes_back()
        yield made, key
    finally:
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor
        world.end()
