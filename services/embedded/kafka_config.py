"""Kafka's settings: one node in KRaft mode that keeps everything for ever and uses little memory. Pure."""

from dataclasses import dataclass
from pathlib import Path

from services.embedded.ports import LOOPBACK

LARGEST_MESSAGE = 10 * 1024 * 1024  # above the largest HTTP body that ingress accepts


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the node: for clients, and for its controller."""

    broker: int
    controller: int


def server_properties(ports: Ports, data: Path) -> str:
    """Return the text of server.properties; a backslash in the path is escaped."""
    settings = _listeners(ports) | _SINGLE_NODE | _KEEPING | _MODEST | {"log.dirs": str(data).replace("\\", "\\\\")}
    return "".join(f"{name}={value}\n" for name, value in sorted(settings.items()))


def _listeners(ports: Ports) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{ports.broker},CONTROLLER://{LOOPBACK}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{ports.broker}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        # A static quorum: unlike a dynamic one it lets the controller's port change between starts.
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.controller}",
    }


_SINGLE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "num.partitions": "1",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # How long a crashed broker is waited for before its successor on the same data is admitted.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
}

_KEEPING = {
    "log.retention.ms": "-1",
    # There is no second node, so acknowledged records are flushed to disk within a second.
    "log.flush.interval.ms": "1000",
    "log.flush.scheduler.interval.ms": "1000",
    "message.max.bytes": str(LARGEST_MESSAGE),
}

_MODEST = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.segment.bytes": str(128 * 1024 * 1024),
    "log.cleaner.dedupe.buffer.size": str(4 * 1024 * 1024),  # by default a quarter of our heap
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
}

_LOG_LEVELS = {
    "defaultLogLevel": "warn",
    "log.kafka.server.KafkaRaftServer": "info",  # logs when the server is ready
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "showThreadName": "false",
}


def java_options() -> tuple[str, ...]:
    """Return Java's options for a broker that shares two cores with other processes."""
    logging = (f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in _LOG_LEVELS.items())
    return ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", *logging)
