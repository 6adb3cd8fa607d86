"""Topics on the broker, created with the partitions and the retention that `schemas.topics` declares."""

from collections.abc import Collection, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from projections.engine.generation_records import FIRST, Generation
from schemas.topics import TOPICS, Topic
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings
from services.runtime.unreachable import trouble_of

_FIRST: Final = Generation(FIRST, "", "")
BROKER_ERRORS: Final = (KafkaError,)  # everything that talking to Kafka raises


class BrokerRefused(ForeseenError):
    """Kafka refused to create a topic, or has none of that name."""


async def ensure_topics(
    settings: Settings, generation: Generation = _FIRST, topics: Collection[Topic] = TOPICS
) -> None:
    """Create those of the generation's ``topics`` that are missing. Safe to run concurrently.

    Raises BrokerRefused or a KafkaError.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        names = {generation.topic_name(topic, settings.topic_prefix): topic for topic in topics}
        missing = [(name, topic) for name, topic in names.items() if name not in known]
        if missing:
            response = await admin.create_topics([_new_topic(name, topic, settings) for name, topic in missing])
            _check(response.topic_errors)
    finally:
        await admin.close()


async def make_topic(settings: Settings, name: str, topic: Topic, partitions: int) -> None:
    """Create a topic with so many partitions; one that is there stays. Raises BrokerRefused or a KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    try:
        made = _new_topic(name, topic, settings)
        made.num_partitions = partitions
        _check((await admin.create_topics([made])).topic_errors)
    finally:
        await admin.close()


async def topics_of(settings: Settings) -> dict[str, str]:
    """The topics of all generations: their names without the prefix, and with it. Raises a KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    try:
        start, names = f"{settings.topic_prefix}.", {one.name for one in TOPICS}
        own = (name for name in sorted(await admin.list_topics()) if name.startswith(start))
        found = {name.removeprefix(start): name for name in own}
        return {short: name for short, name in found.items() if short.partition(".")[0] in names}
    finally:
        await admin.close()


async def delete_topics(settings: Settings, names: Sequence[str]) -> None:
    """Delete topics; those that are not there are left out. Raises a KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        if found := [name for name in names if name in known]:
            await admin.delete_topics(found)
    finally:
        await admin.close()


def _new_topic(name: str, topic: Topic, settings: Settings) -> NewTopic:
    partitions = topic.partitions if topic.partitions == 1 else settings.partitions or topic.partitions
    # The brokers' own default is one: then a record is acknowledged that a single broker has, and is lost with it.
    in_sync = {} if settings.in_sync is None else {"min.insync.replicas": str(settings.in_sync)}
    return NewTopic(
        name,
        num_partitions=partitions,
        replication_factor=settings.replication,
        topic_configs=in_sync
        | {
            "retention.ms": str(topic.retention_ms),
            "retention.bytes": "-1",
            "cleanup.policy": "delete",
            "max.message.bytes": str(topic.largest_record),
        },
    )


def _check(topic_errors: list[tuple[str, int, str]]) -> None:
    for name, code, *message in topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            said = " ".join(filter(None, message)) or trouble_of(for_code(code)())
            raise BrokerRefused(f"Kafka has not made the topic {name}: {said}")


async def log_ends(bootstrap: str, topic: str) -> dict[int, int]:
    """The next offset of each partition of a topic. Raises BrokerRefused if there is no such topic."""
    # A consumer that does not name the topic does not learn its partitions; an empty answer would look like "no lag".
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap)
    try:
        await consumer.start()  # may be cancelled half-way
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise BrokerRefused(f"Kafka has no topic {topic}")
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in partitions])
        return {tp.partition: end for tp, end in ends.items()}
    finally:
        await consumer.stop()
