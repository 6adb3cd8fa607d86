"""A few rounds of faults, of fixed kinds; `make chaos` plays many, of random ones."""

from pathlib import Path
from typing import Final

import pytest

from tests.chaos.deliveries import Deliveries
from tests.chaos.installation import Servers, installed
from tests.chaos.rounds import play
from tests.chaos.sender import Sender
from tests.support.servers import OwnKafka, OwnPostgres
from tests.support.worker_processes import ForkServer

_SEED: Final = 10
_PLANS: Final = (
    ("start_rebuild", "kill_worker", "kill_broker"),
    ("swap", "kill_postgres", "pause_worker", "kill_ingress"),
)


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_faults_lose_no_acknowledged_event_and_leave_no_difference(
    own_kafka: OwnKafka, own_postgres: OwnPostgres, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> None:
    servers = Servers([own_kafka], own_kafka.bootstrap, own_postgres)
    async with installed(servers, topic_prefix, tmp_path, fork_server) as (installation, key):
        sender = Sender(installation.url, Deliveries(_SEED, key), _SEED)
        played = await play(installation, sender, _SEED, iter(_PLANS), lambda _: None)
        assert len(played) == len(_PLANS)
        assert installation.there_and_back == 1, played
        assert sender.account.acknowledged
        assert sender.repeated
