"""Which broker is started: Apache Kafka where it can be had, else the fallback; for one log always the same.

The log is the source of truth. So a directory with the log of one broker is never given to the other: that one would
start with an empty log beside read models that are not empty.
"""

from pathlib import Path
from typing import Literal

from rich.console import Console

from services.embedded.artifacts import kafka_jars
from services.embedded.class_archive import with_archive
from services.embedded.errors import NoKafka
from services.embedded.fallback import FallbackBroker, fallback_program
from services.embedded.java import find_java
from services.embedded.kafka import Kafka, Runtime
from services.embedded.kafka_config import Ports
from services.embedded.process import Lease

Choice = Literal["auto", "kafka", "fallback"]
Broker = Kafka | FallbackBroker
_INSTEAD = "The fallback broker is used instead; it is for looking around only."


def make_broker(
    directory: Path, lease: Lease, console: Console, *, wanted: Choice = "auto", ports: Ports | None = None
) -> Broker:
    """Return the broker for the data under `directory`, not yet started. Raises `Unavailable` if there is none."""
    logs = directory / "logs"
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
    """Return the broker to use. Pure.

    `held` is the broker that wrote the data that are there, `kafka_error` why Kafka can't be had. Raises `NoKafka`.
    """
    if held is not None and wanted not in ("auto", held):
        raise NoKafka(f"The data here were written by the broker '{held}' and can't be read by '{wanted}'.")
    kind = held or ("kafka" if wanted == "auto" else wanted)
    if kind == "kafka" and kafka_error is not None:
        if wanted == "kafka" or held == "kafka":
            raise kafka_error
        return "fallback"
    return kind


def real_runtime(console: Console) -> Runtime:
    """Return Kafka's jars and the Java to run them. Raises `NoKafka` or `NoJava`."""
    jars = kafka_jars(console)
    return with_archive(Runtime(find_java(console), jars), console)


def _held(directory: Path) -> Choice | None:
    if (directory / "kafka" / "log" / "meta.properties").exists():
        return "kafka"
    return "fallback" if (directory / "fallback").exists() else None
