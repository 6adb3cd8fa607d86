"""Whether a broker is new enough is read from the requests that it says it knows."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.doctor import cluster
from services.doctor.cluster import Cluster
from services.doctor.kafka_checks import check_cluster


class _Broker:
    """Knows the forms ``oldest`` to 17 of the request for records."""

    oldest = 0

    def __init__(self, **_: str) -> None: ...

    async def bootstrap(self) -> None: ...

    async def close(self) -> None: ...

    def get_random_node(self) -> int:
        return 1

    async def send(self, _: int, __: object) -> Any:
        return SimpleNamespace(api_versions=[(0, 3, 11), (1, self.oldest, 17), (2, 1, 10)])


class _Admin:
    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [1, 2, 3]}


@pytest.mark.parametrize(("oldest", "state"), [(0, "warning"), (4, "ok")])  # Kafka 3.9, Kafka 4
async def test_a_kafka_before_4_is_found(oldest: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "AIOKafkaClient", type("Broker", (_Broker,), {"oldest": oldest}))
    no_consumer: Any = None
    admin: Any = _Admin()
    found = {one.check: one for one in await check_cluster(Cluster(admin, no_consumer, "k:9092"))}
    assert found["version"].state == state
    assert "4 or later" in found["version"].found
