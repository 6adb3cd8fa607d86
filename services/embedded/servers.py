"""Kafka and PostgreSQL on a data directory, except those for which the settings name another server."""

from collections.abc import Iterator

from rich.console import Console

from services.embedded.broker import Broker, make_broker
from services.embedded.datadir import DataDir
from services.embedded.kafka_config import Ports
from services.embedded.ports import kept_ports
from services.embedded.postgres import Postgres
from services.embedded.process import Process
from services.runtime.settings import Settings


class Servers:
    """The two servers, started and stopped together. The methods block."""

    def __init__(self, settings: Settings, home: DataDir, console: Console) -> None:
        self._console = console
        ports = kept_ports(home.path / "ports.json", ("postgres", "kafka", "controller"))
        self.postgres = None if settings.database else _postgres(home, ports["postgres"])
        self.broker = (
            None if settings.kafka else self._broker(settings, home, Ports(ports["kafka"], ports["controller"]))
        )

    def _broker(self, settings: Settings, home: DataDir, ports: Ports) -> Broker:
        return make_broker(home.path, home.lease, self._console, wanted=settings.broker, ports=ports)

    def start(self) -> None:
        """Start the own servers. Raises an `EmbeddedError`; `stop()` must be called then, too."""
        for name, server in (("PostgreSQL", self.postgres), ("Kafka", self.broker)):
            if server is not None:
                with self._console.status(f"Starting {name} …"):
                    server.start()

    def stop(self) -> None:
        """Stop the own servers, Kafka first, so that nothing more is acknowledged."""
        for server in (self.broker, self.postgres):
            if server is not None:
                server.stop()

    def pointed_at(self, settings: Settings) -> Settings:
        """Return the settings with the addresses of the own servers."""
        own = {"kafka": self.broker and self.broker.bootstrap, "database": self.postgres and self.postgres.url}
        return settings.model_copy(update={name: address for name, address in own.items() if address})

    def processes(self) -> Iterator[Process]:
        """Yield the processes of the own servers that run."""
        for server in (self.broker, self.postgres):
            if server is not None and server.process is not None:
                yield server.process


def _postgres(home: DataDir, port: int) -> Postgres:
    return Postgres(home.path / "postgres", home.logs / "postgres.log", home.lease, port=port)
