"""A Kafka of several nodes on this machine, of which a test stops, kills and suspends single ones.

Its topics for offsets and transactions have as many replicas as there are nodes.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from services.embedded.broker import real_runtime
from services.embedded.errors import NoKafka
from services.embedded.kafka import Kafka, Runtime, new_cluster_id
from services.embedded.kafka_config import Ports
from services.embedded.ports import LOOPBACK, free_port
from services.embedded.process import Lease
from tests.support.servers import OwnKafka, own_home, refuse_fallback


@dataclass(frozen=True)
class KafkaCluster:
    """Started nodes."""

    nodes: Sequence[OwnKafka]

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes."""
        return ",".join(node.bootstrap for node in self.nodes)


class _Node(Kafka):
    """One of several nodes: the embedded broker with settings that override its own."""

    def __init__(  # noqa: PLR0913 - where it runs, and what it has of its own
        self,
        runtime: Runtime,
        home: Path,
        lease: Lease,
        *,
        ports: Ports,
        settings: Mapping[str, str],
        cluster_id: str,
    ) -> None:
        super().__init__(runtime, home / "kafka", home / "kafka.log", lease, ports=ports, cluster_id=cluster_id)
        self._settings = settings

    def _write_properties(self) -> Path:
        file = super()._write_properties()
        with file.open("a") as opened:  # of two lines with one name the later one counts
            opened.writelines(f"{name}={value}\n" for name, value in self._settings.items())
        return file


@asynccontextmanager
async def kafka_cluster(size: int) -> AsyncIterator[KafkaCluster]:
    """A started cluster; skips on a machine without Apache Kafka."""
    try:
        runtime = await asyncio.to_thread(real_runtime, Console(stderr=True))
    except NoKafka:
        refuse_fallback()
    with own_home() as (home, lease):
        cluster = KafkaCluster([OwnKafka(node) for node in _nodes(runtime, home, lease, size)])
        try:
            await asyncio.gather(*(node.start() for node in cluster.nodes))  # a node alone waits for the others
            yield cluster
        finally:
            await asyncio.gather(*(node.kill() for node in cluster.nodes))


def _nodes(runtime: Runtime, home: Path, lease: Lease, size: int) -> list[_Node]:
    ports = [Ports(broker=free_port(), controller=free_port()) for _ in range(size)]
    voters = ",".join(f"{number}@{LOOPBACK}:{one.controller}" for number, one in enumerate(ports, 1))
    cluster_id = new_cluster_id()
    replicas = {
        name: str(size)
        for name in (
            "default.replication.factor",
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "share.coordinator.state.topic.replication.factor",
        )
    }
    return [
        _Node(
            runtime,
            Path(tempfile.mkdtemp(prefix=f"node-{number}-", dir=home)),
            lease,
            ports=one,
            settings=replicas | {"node.id": str(number), "controller.quorum.voters": voters},
            cluster_id=cluster_id,
        )
        for number, one in enumerate(ports, 1)
    ]
