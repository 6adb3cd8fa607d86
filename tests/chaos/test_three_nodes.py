"""A Kafka of three nodes: any one may be lost, and nothing is; without two of them ingress accepts nothing."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.chaos.deliveries import Deliveries
from tests.chaos.installation import Installation, Servers, installed
from tests.chaos.rounds import check
from tests.chaos.sender import Sender
from tests.support.kafka_cluster import KafkaCluster, kafka_cluster
from tests.support.polling import until
from tests.support.servers import OwnPostgres
from tests.support.worker_processes import ForkServer

_SEED: Final = 3

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture
async def cluster() -> AsyncIterator[KafkaCluster]:
    async with kafka_cluster(3) as started:
        yield started


async def test_a_lost_node_loses_nothing_and_two_lost_ones_accept_nothing(
    cluster: KafkaCluster, own_postgres: OwnPostgres, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> None:
    servers = Servers(cluster.nodes, cluster.bootstrap, own_postgres)
    async with installed(servers, topic_prefix, tmp_path, fork_server) as (installation, key):
        assert await _fewest_in_sync(cluster.bootstrap, installation.world.topic) == "2"
        sender = Sender(installation.url, Deliveries(_SEED, key), _SEED)
        async with sender.sending():
            first, second, _ = cluster.nodes
            await first.kill()
            await _is_accepted(sender)
            await installation.comes_back()
            await second.kill()
            await until(partial(_answers, installation, sender, key, 503), 240, "ingress accepts what one node has")
            await first.start()
            await _is_accepted(sender)
            await second.start()
        await check(installation, sender)
        assert installation.wrong == []


async def _is_accepted(sender: Sender) -> None:
    """Wait until something is acknowledged that was not before."""
    before = len(sender.account.acknowledged)

    async def more() -> bool:
        return len(sender.account.acknowledged) > before

    await until(more, 240, "ingress accepts nothing")


async def _answers(installation: Installation, sender: Sender, key: str, status: int) -> bool:
    one = Deliveries(_SEED + 1, key).following()
    sender.account.sent |= one.event_ids  # what is refused may be in the log all the same
    async with httpx.AsyncClient(base_url=installation.url, trust_env=False) as client:
        answer = await client.post(one.path, content=one.body, headers=one.headers, timeout=30)
    return answer.status_code == status


async def _fewest_in_sync(kafka: str, topic: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"min.insync.replicas": None})
        (answer,) = await admin.describe_configs([resource])
        return str(answer.resources[0][4][0][1])
    finally:
        await admin.close()
