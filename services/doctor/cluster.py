"""What the doctor asks Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.admin import ApiVersionRequest

LogPartition = tuple[str, int]
_FETCH: Final = 1  # the number of Kafka's request; version 4 removed its forms 0 to 3
_ATTEMPTS: Final = 10
_RETRY_AFTER: Final = 1.0  # seconds
_ROOM_MS: Final = 5000  # that a record may be ahead of this machine's clock


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic: the number of its partitions, the fewest replicas of one, and its settings.

    ``behind`` counts partitions with replicas that are not in sync, ``leaderless`` those that nobody serves.
    """

    partitions: int
    replicas: int
    behind: int
    leaderless: int
    config: Mapping[str, str]


class Cluster:
    """Reads what a Kafka cluster has. Its methods raise KafkaError."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, kafka: str) -> None:
        self._admin, self._consumer, self._kafka = admin, consumer, kafka

    async def brokers(self) -> int:
        """How many brokers there are."""
        return len((await self._admin.describe_cluster())["brokers"])

    async def is_kafka_4(self) -> bool:
        """Whether a broker speaks like Apache Kafka 4 or later."""
        client = AIOKafkaClient(bootstrap_servers=self._kafka)
        await client.bootstrap()
        try:
            answer = await client.send(client.get_random_node(), ApiVersionRequest())
        finally:
            await client.close()
        return any(number == _FETCH and least >= 4 for number, least, _ in answer.api_versions)  # noqa: PLR2004 - above

    async def topics(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """Those of the topics that exist."""
        known = set(await self._admin.list_topics()) & set(names)
        if not known:
            return {}
        configs = await self._configs(sorted(known))
        return {one["topic"]: _facts(one["partitions"], configs[one["topic"]]) for one in await self._described(known)}

    async def _described(self, names: Iterable[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._admin.describe_topics(sorted(names))
        return found

    async def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answers = await self._admin.describe_configs(resources)
        found = [resource for answer in answers for resource in answer.resources]
        return {name: {entry[0]: entry[1] for entry in entries} for _, _, _, name, entries in found}

    async def members(self, group: str) -> int:
        """How many members the consumer group has."""
        for attempt in range(_ATTEMPTS):  # the first group that a new cluster is asked for has it make a topic
            try:
                (answer,) = await self._admin.describe_consumer_groups([group])
                break
            except GroupCoordinatorNotAvailableError:
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_RETRY_AFTER)
        return sum(len(described[5]) for described in answer.groups)

    async def bounds(self, places: Iterable[LogPartition]) -> dict[LogPartition, tuple[int, int]]:
        """The first offset of each partition and the one after its last."""
        partitions = [TopicPartition(*place) for place in places]
        first = await self._consumer.beginning_offsets(partitions) if partitions else {}
        ends = await self._consumer.end_offsets(partitions) if partitions else {}
        return {(one.topic, one.partition): (first[one], ends[one]) for one in partitions}

    async def dated_after(self, places: Iterable[LogPartition], now_ms: int) -> list[LogPartition]:
        """The partitions with records that are dated later than now."""
        times = {TopicPartition(*place): now_ms + _ROOM_MS for place in places}
        found = await self._consumer.offsets_for_times(times) if times else {}
        return [(one.topic, one.partition) for one, later in found.items() if later is not None]


@asynccontextmanager
async def open_cluster(kafka: str) -> AsyncIterator[Cluster]:
    """The cluster; raises KafkaError if it can't be reached."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, client_id="onefold-doctor")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, client_id="onefold-doctor", enable_auto_commit=False)
    try:
        await admin.start()
        await consumer.start()
        yield Cluster(admin, consumer, kafka)
    finally:
        await consumer.stop()
        await admin.close()


def _facts(partitions: list[dict[str, Any]], config: Mapping[str, str]) -> TopicFacts:
    return TopicFacts(
        len(partitions),
        min((len(one["replicas"]) for one in partitions), default=0),
        sum(len(one["isr"]) < len(one["replicas"]) for one in partitions),
        sum(one["leader"] < 0 for one in partitions),
        config,
    )
