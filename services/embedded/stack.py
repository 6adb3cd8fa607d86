"""The whole service on this machine, for `onefold up` and the demo; its servers alone, for measurements.

::

    async with Stack(settings) as stack:                      # Kafka, PostgreSQL, a worker, the HTTP service
        httpx.post(f"{stack.url}/v1/events", headers={"Authorization": f"Bearer {stack.key}"}, …)

    async with Stack(settings, servers_only=True) as stack:   # Kafka and PostgreSQL, with tables and topics made
        asyncpg.connect(stack.database)

    with Stack(settings) as stack: …                          # the same, blocking

Port 0 in the settings means any free port. All processes end with the `with` block, and also when the process that
runs it dies. The data stay in `settings.data_dir`, which one `Stack` at a time can use.
"""

import asyncio
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from pydantic import SecretStr
from rich.console import Console

from projections.engine.generation_records import IncompatibleGeneration
from services.control.read_models import prepare_read_models
from services.embedded import service_processes
from services.embedded.addresses import published_addresses
from services.embedded.datadir import DataDir
from services.embedded.errors import CannotStart, IncompatibleData
from services.embedded.ports import free_port, is_free, require_free
from services.embedded.prepare import demo_key, sign_in_address
from services.embedded.process import Process
from services.embedded.servers import Servers
from services.embedded.workers import Workers, died
from services.runtime.broker import BROKER_ERRORS
from services.runtime.database import DATABASE_ERRORS
from services.runtime.settings import Settings
from services.runtime.unreachable import explained
from services.vault.master_keys import BadMasterKeys
from services.vault.wrapping import WrongMasterKeys


class Stack:
    """All processes on one data directory. `settings`, `kafka`, `database`, `url` and `key` are set by `start()`."""

    settings: Settings
    key: str

    def __init__(
        self,
        settings: Settings,
        console: Console | None = None,
        *,
        servers_only: bool = False,
        fresh: bool = False,
        workers: int = 1,
    ) -> None:
        self._given = settings
        self._console = console or Console(stderr=True)
        self._servers_only = servers_only
        self._fresh = fresh
        self._number_of_workers = workers
        self._ending = ExitStack()
        self._home: DataDir | None = None
        self._servers: Servers | None = None
        self._workers: Workers | None = None
        self._of_workers: list[Settings] = []
        self._http: Process | None = None

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap servers."""
        return self.settings.kafka_servers

    @property
    def database(self) -> str:
        """PostgreSQL's URL."""
        return self.settings.database_url

    @property
    def url(self) -> str:
        """Where the HTTP service answers."""
        return f"http://{service_processes.reachable_host(self.settings.host)}:{self.settings.port}"

    def sign_in_address(self) -> str:
        """Make an address of the web console that signs in to the tenant `demo` once, within an hour."""
        return asyncio.run(sign_in_address(self.settings, self.url))

    @property
    def worker_urls(self) -> list[str]:
        """Where each worker's health and metrics are; of the first at the port of the settings."""
        host = service_processes.reachable_host(self.settings.host)
        return [f"http://{host}:{one.worker_port}" for one in self._of_workers]

    @property
    def broker_name(self) -> str:
        """The name of the broker, for people."""
        broker = self._servers.broker if self._servers else None
        return "Kafka (elsewhere)" if broker is None else broker.title

    def start(self) -> None:
        """Start everything; return when it is ready. Raises an `EmbeddedError`; nothing is left running then."""
        with ExitStack() as undo:
            self._start(undo)
            self._ending = undo.pop_all()

    def _start(self, undo: ExitStack) -> None:
        self._home = home = DataDir(self._given.data_dir)
        undo.callback(home.close)
        settings = self._with_free_ports()
        secret = settings.secret_key or SecretStr(home.master_key())
        self._servers = Servers(settings, home, self._console)
        undo.callback(self._servers.stop)
        self._servers.start()
        # Those who take the servers alone write to the log themselves.
        master_keys = settings.master_key_file or (None if self._servers_only else home.master_keys())
        given = {"secret_key": secret, "master_key_file": master_keys}
        self.settings = self._servers.pointed_at(settings.model_copy(update=given))
        with self._console.status("Preparing tables and topics …"):
            self.key = asyncio.run(_prepared(self.settings, home, fresh=self._fresh))
        undo.enter_context(published_addresses(home.path, self.settings, self.url))
        if not self._servers_only:
            self._start_services(home, undo)

    def _with_free_ports(self) -> Settings:
        """Choose and check ports before any server is started, so that a busy port is reported at once."""
        wanted = {} if self._servers_only else {"port": "the HTTP service", "worker_port": "the worker's health page"}
        chosen = {}
        for name, what in wanted.items():
            port = getattr(self._given, name)
            if name == "worker_port" and self._is_default_and_busy(name, port):
                port = 0
            if port:
                require_free(port, what, _SETTING_OF[name], self._given.host)
            chosen[name] = port or free_port()
        return self._given.model_copy(update=chosen)

    def _is_default_and_busy(self, name: str, port: int) -> bool:
        return name not in self._given.model_fields_set and not is_free(port, self._given.host)

    def _start_services(self, home: DataDir, undo: ExitStack) -> None:
        host = service_processes.reachable_host(self.settings.host)
        ports = [self.settings.worker_port, *(free_port() for _ in range(1, self._number_of_workers))]
        self._of_workers = [self.settings.model_copy(update={"worker_port": port}) for port in ports]
        with self._console.status("Starting the worker and the HTTP service …"):
            self._workers = Workers(len(ports), partial(self._start_worker, home))
            undo.callback(self._workers.stop)
            self._workers.start()
            self._http = service_processes.start_http(self.settings, home.logs, home.lease)
            undo.callback(self._http.stop)
            service_processes.await_ready(self._http, host, self.settings.port)
            for worker, port in zip(self._workers, ports, strict=True):
                service_processes.await_ready(worker, host, port)

    def _start_worker(self, home: DataDir, number: int) -> Process:
        name = f"worker-{number + 1}" if number else "worker"
        return service_processes.start_worker(self._of_workers[number], home.logs, home.lease, name=name)

    def check(self) -> None:
        """Restart workers that asked for it. Raises `ChildDied` if another process ended. Call this regularly."""
        servers = self._servers.processes() if self._servers else ()
        for process in (*servers, self._http):
            if process is not None and process.exit_code is not None:
                raise died(process)
        for worker in self._workers.check() if self._workers else ():
            self._console.print(f"[yellow]The worker exited to be restarted.[/] Its log was {worker.program.log}.1")

    def stop(self) -> None:
        """End everything: the HTTP service, the workers, then the servers."""
        self._ending.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


_SETTING_OF = {"port": "--port or ONEFOLD_PORT", "worker_port": "ONEFOLD_WORKER_PORT"}


async def _prepared(settings: Settings, home: DataDir, *, fresh: bool) -> str:
    try:
        await prepare_read_models(settings, fresh=fresh)
        return await demo_key(settings, home)
    except (*BROKER_ERRORS, *DATABASE_ERRORS) as error:
        raise CannotStart(f"Tables and topics could not be prepared. {explained(error)}") from error
    except IncompatibleGeneration as error:
        raise IncompatibleData(str(error)) from error
    except (BadMasterKeys, WrongMasterKeys) as error:
        raise CannotStart(str(error)) from error
