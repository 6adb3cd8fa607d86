"""One Apache Kafka node of our own (KRaft, no ZooKeeper), on 127.0.0.1, run from its jars by the machine's Java."""

import base64
import subprocess
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from services.embedded.artifacts import KAFKA_VERSION
from services.embedded.errors import CannotStart
from services.embedded.kafka_config import Ports, java_options, server_properties
from services.embedded.ports import LOOPBACK, free_port, require_free
from services.embedded.process import Lease, Process, Program, private_folder

_READY = "Kafka Server started"
_START_TIMEOUT = 180.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Java and the jars that run Kafka."""

    java: Path
    jars: Path
    archive: Path | None = None  # of loaded classes; see class_archive.py
    record: Path | None = None  # where to write such an archive when the program ends

    def command(self, main: str, *arguments: str) -> tuple[str, ...]:
        """Return the command line of one of Kafka's programs."""
        return (str(self.java), *java_options(), *self._sharing(), "-cp", f"{self.jars}/*", main, *arguments)

    def _sharing(self) -> tuple[str, ...]:
        if self.record:
            return (f"-XX:ArchiveClassesAtExit={self.record}",)
        return (f"-XX:SharedArchiveFile={self.archive}", "-Xshare:auto", "-Xlog:cds=off") if self.archive else ()

    def quick_command(self, main: str, *arguments: str) -> tuple[str, ...]:
        """Return the command line for a short run, for which optimising compilation would not pay."""
        java, *rest = replace(self, record=None).command(main, *arguments)
        return (java, "-XX:TieredStopAtLevel=1", *rest)


class Kafka:
    """One broker on one directory of data. The methods block. Topics and records survive `stop()` and `kill()`."""

    def __init__(  # noqa: PLR0913 - where it runs, and two things that are chosen unless they are given
        self,
        runtime: Runtime,
        data: Path,
        log: Path,
        lease: Lease,
        *,
        ports: Ports | None = None,
        cluster_id: str | None = None,
    ) -> None:
        self.ports = ports or Ports(broker=free_port(), controller=free_port())
        self.log = log
        self._runtime = runtime
        self._data = data.absolute()
        self._lease = lease
        self._cluster_id = cluster_id or new_cluster_id()
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        """The address that clients connect to."""
        return f"{LOOPBACK}:{self.ports.broker}"

    @property
    def title(self) -> str:
        """The broker's name, for people."""
        return f"Apache Kafka {KAFKA_VERSION}"

    @property
    def process(self) -> Process | None:
        """The running server, or `None`."""
        return self._process

    def start(self) -> None:
        """Start the broker, and format its storage the first time. Raises an `EmbeddedError`."""
        require_free(self.ports.broker, "Kafka", "ONEFOLD_KAFKA")
        require_free(self.ports.controller, "Kafka's controller", "ONEFOLD_KAFKA")
        properties = self._write_properties()
        if not (self._data / "log" / "meta.properties").exists():
            self._format(properties)
        command = self._runtime.command("kafka.Kafka", str(properties))
        self._process = Process(Program("Kafka", command, self.log, grace=30.0), self._lease)
        # It says so in its own log: another server on the port can't be mistaken for it.
        self._process.await_ready(lambda: _READY in self.log.read_text(errors="replace"), _START_TIMEOUT)

    def stop(self) -> None:
        """End the broker in order."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the broker at once, as a crash does."""
        if self._process is not None:
            self._process.kill()

    def _write_properties(self) -> Path:
        private_folder(self._data)
        file = self._data / "server.properties"
        file.write_text(server_properties(self.ports, self._data / "log"))
        return file

    def _format(self, properties: Path) -> None:
        command = self._runtime.quick_command(
            "kafka.tools.StorageTool", "format", "--cluster-id", self._cluster_id, "--config", str(properties)
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            output = (done.stderr or done.stdout).strip()
            raise CannotStart(f"Kafka's storage in {self._data} could not be formatted: {output}")


def new_cluster_id() -> str:
    """Return an id for a new cluster, as Kafka writes one."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
