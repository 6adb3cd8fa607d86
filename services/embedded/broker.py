"""Which broker is started: Apache Kafka wherever it can be had, else the fallback, and for one log always the same.

The log is the source of truth, so a directory that holds one kind's log is never given to the other kind: a log that
seems empty would stand beside read models that are not.
"""

from pathlib import Path
from typing import Literal

from rich.console import Console

from services.embedded.artifacts import kafka_jars
from services.embedded.classes import with_archive
from services.embedded.errors import NoKafka
from services.embedded.fallback import FallbackBroker, fallback_program
from services.embedded.java import find_java
from services.embedded.kafka import Kafka, Runtime
from services.embedded.kafka_config import Ports
from services.embedded.process import Lease

Choice = Literal["auto", "kafka", "fallback"]
Broker = Kafka | FallbackBroker
_INSTEAD = "The fallback broker is used instead: good enough to look around, no more."


def make_broker(  # noqa: PLR0913  # the parts of a place, each named
    directory: Path,
    logs: Path,
    lease: Lease,
    console: Console,
    *,
    wanted: Choice = "auto",
    ports: Ports | None = None,
) -> Broker:
    """The broker for the data under `directory`, not yet started. Raises `Unavailable` when there is none."""
    kind = resolve_choice(wanted, held=_held(directory), kafka_error=None)
    if kind == "kafka":
        try:
            return Kafka(real_runtime(console), directory / "kafka", logs / "kafka.log", lease, ports=ports)
        except NoKafka as error:
            kind = resolve_choice(wanted, held=_held(directory), kafka_error=error)
            console.print(f"{error} {_INSTEAD}", style="yellow", soft_wrap=True, markup=False)
    program = fallback_program(console)
    port = ports.broker if ports else None
    return FallbackBroker(program, directory / "fallback", logs / "fallback.log", lease, port=port)


def resolve_choice(wanted: Choice, held: Choice | None, kafka_error: NoKafka | None) -> Choice:
    """Which kind to take, given the wish, whose data there are, and why Kafka can't be had (if so). Pure."""
    if held is not None and wanted not in ("auto", held):
        raise NoKafka(f"The data here were written by the broker '{held}' and can't be read by '{wanted}'.")
    kind = held or ("kafka" if wanted == "auto" else wanted)
    if kind == "kafka" and kafka_error is not None:
        if wanted == "kafka" or held == "kafka":
            raise kafka_error
        return "fallback"
    return kind


def real_runtime(console: Console) -> Runtime:
    """Kafka's jars and the Java to run them. Raises `NoKafka` or `NoJava`."""
    jars = kafka_jars(console)
    return with_archive(Runtime(find_java(console), jars), console)


def _held(directory: Path) -> Choice | None:
    if (directory / "kafka" / "log" / "meta.properties").exists():
        return "kafka"
    return "fallback" if (directory / "fallback").exists() else None
