"""The ids of topics, which aiokafka does not ask for: Kafka's request for metadata in its version 12."""

from collections.abc import Collection
from io import BytesIO
from typing import Any, ClassVar, Final
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from projections.engine.followed_topics import TopicIdentity

_API: Final = 3
_VERSION: Final = 12
_ANY: Final = UUID(int=0)  # the topic is asked for by its name


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]  # aiokafka has no types
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _TopicsResponse(Response):  # type: ignore[misc]  # as above
    API_KEY = _API
    API_VERSION = _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _TopicsRequestStruct(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = _API
    API_VERSION = _VERSION
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicsRequest(Request[_TopicsRequestStruct]):  # type: ignore[misc]  # as above
    API_KEY: ClassVar[int] = _API

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_TopicsRequestStruct]) -> _TopicsRequestStruct:
        return request_struct_class([(_ANY, name, {}) for name in self._names], False, False, {})  # noqa: FBT003 - Kafka's order


async def topic_identities(kafka: str, names: Collection[str]) -> dict[str, TopicIdentity]:
    """The id and the number of partitions of those topics that exist. Raises a KafkaError.

    Nothing for a broker that has no ids of topics: Apache Kafka has them since 3.1.
    """
    client = AIOKafkaClient(bootstrap_servers=kafka, client_id="onefold-topics")
    try:
        await client.bootstrap()
        response: Any = await client.send(client.get_random_node(), _TopicsRequest(names))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return {}
    finally:
        await client.close()
    return {
        name: TopicIdentity(str(topic_id), len(partitions))
        for error, name, topic_id, _, partitions, *_ in response.topics
        if not error and topic_id != _ANY
    }
