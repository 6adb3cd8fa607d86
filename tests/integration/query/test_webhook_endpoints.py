"""Outbound webhooks: each customer's changes in order, others go on behind one that fails, and nothing is lost."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typer.testing import CliRunner

from projections.engine.connection import Connection
from schemas.changes import CustomerChange, Moved, change_key, encode_change
from schemas.topics import CUSTOMER_CHANGES
from services.cli import app as cli
from services.control.keys import add_key
from services.control.webhook_turns import count_webhooks
from services.runtime.broker import ensure_topics
from services.runtime.cancelling import cancel_all
from services.runtime.settings import Settings
from services.worker.background.outbound_webhooks import OutboundWebhooks
from services.worker.core.webhook_turn import RetryRules
from tests.support.polling import until
from tests.support.read_api import MASTER, Brand
from tests.support.serving import served
from tests.support.strategies import BASE_MS

WITHIN = 120.0  # seconds
SOON = RetryRules(timedelta(milliseconds=20), timedelta(milliseconds=100))
_LOG_GONE = """UPDATE onefold.webhook_endpoints
    SET topic_id = gen_random_uuid(), turn = turn + 1, leased_until = NULL"""
ANNE, BEN = UUID(int=1), UUID(int=2)


@pytest.fixture
async def settings(database_with_read_models: str, kafka: str) -> Settings:
    made = Settings(
        database=database_with_read_models,
        kafka=kafka,
        secret_key=SecretStr(MASTER),
        topic_prefix=f"webhooks-{uuid4().hex}",
        partitions=3,
        webhooks_private=True,
    )
    await ensure_topics(made)
    return made


@dataclass
class Receiver:
    """Takes webhooks, but those of the customers that it refuses; ``taken`` has their headers and bodies."""

    refused: set[UUID] = field(default_factory=set)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if UUID(orjson.loads(body)["customer_id"]) in self.refused:
            self.refusals.append(request.headers.get("webhook-id", ""))
            return Response(status_code=500)
        self.taken.append((dict(request.headers), body))
        return Response(status_code=204)

    @property
    def orders(self) -> dict[UUID, list[int]]:
        """The ``seq`` of each customer's changes, in the order in which they were taken; repeated ones are ignored."""
        found: dict[UUID, list[int]] = defaultdict(list)
        for _, body in self.taken:
            customer_id, seq = _named(body)
            if seq not in found[customer_id]:
                found[customer_id].append(seq)
        return dict(found)


@dataclass
class Sending:
    """A tenant's endpoint, its receiver, and the workers that send to it."""

    brand: Brand
    settings: Settings
    producer: AIOKafkaProducer
    receiver: Receiver
    url: str
    key: str

    async def ask(self, method: str, path: str = "", body: Any = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = await self.brand.client.request(method, f"/v1/webhook-endpoints{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def publish(self, changes: Iterable[tuple[UUID, int]], tenant: str = "demo") -> None:
        topic = CUSTOMER_CHANGES.full_name(self.settings.topic_prefix)
        for customer_id, seq in changes:
            one = CustomerChange(
                tenant=tenant,
                customer_id=customer_id,
                seq=seq,
                type="linked",
                at=BASE_MS,
                cause="e1",
                causes=["e1"],
                policy_version="p1",
                came_from=[Moved(contacts=[f"line:oa:U{seq}"])],
            )
            await self.producer.send(topic, encode_change(one), change_key(one.tenant, one.customer_id))
        await self.producer.flush()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.brand.url, server_settings={"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def worker(self, rules: RetryRules = SOON) -> AsyncIterator[None]:
        """A worker that sends, and lets go of what it holds in the end."""

        async def find_topic() -> str:
            return CUSTOMER_CHANGES.full_name(self.settings.topic_prefix)

        sender = OutboundWebhooks(self.settings, self._connect, find_topic, rules=rules, every=0.05)
        task = asyncio.create_task(sender.run())
        try:
            yield
        finally:
            await cancel_all(task)

    async def until_taken(self, expected: dict[UUID, list[int]]) -> None:
        async def done() -> bool:
            return self.receiver.orders == expected

        await until(done, WITHIN, lambda: f"taken: {self.receiver.orders}", every=0.02)

    async def until_saved(self, endpoint: str, successes: int) -> None:
        """Wait until so many attempts are recorded as taken, so that no turn is left that would be done again."""

        async def done() -> bool:
            attempts = (await self.ask("GET", f"/{endpoint}/attempts?limit=1000"))["attempts"]
            return len([one for one in attempts if one["status"] == 204]) == successes

        await until(done, WITHIN, "the attempts are not recorded", every=0.02)

    async def until_shown(self, endpoint: str, **expected: Any) -> dict[str, Any]:
        """The endpoint as it is shown, once it is as expected."""
        shown: dict[str, Any] = {}

        async def done() -> bool:
            shown.update(await self.ask("GET", f"/{endpoint}"))
            return expected.items() <= shown.items()

        await until(done, WITHIN, lambda: f"shown: {shown}", every=0.02)
        return shown


@pytest.fixture
async def sending(brand: Brand, settings: Settings) -> AsyncIterator[Sending]:
    receiver = Receiver()
    key = await add_key(brand.engine, "demo", ["admin"])
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, acks="all")
    await producer.start()
    try:
        async with served(Starlette(routes=[Route("/", receiver.take, methods=["POST"])])) as address:
            yield Sending(brand, settings, producer, receiver, f"http://{address}/", key)
    finally:
        await producer.stop()


async def test_a_customer_s_changes_keep_their_order_over_failures_and_restarts_and_others_go_on(
    sending: Sending,
) -> None:
    receiver = sending.receiver
    receiver.refused.add(ANNE)
    await sending.publish([(BEN, 1)])  # before the endpoint's beginning
    made = await sending.ask("POST", body={"url": sending.url}, status=201)
    endpoint, secret = made["endpoint"]["id"], Webhook(made["secret"])
    assert made["endpoint"]["enabled"]
    async with sending.worker():
        await sending.publish([(ANNE, 1), (BEN, 2), (ANNE, 2), (BEN, 3)])
        await sending.publish([(BEN, 9)], tenant="other")
        await sending.until_taken({BEN: [2, 3]})
        await sending.until_shown(endpoint, waiting=2)
        await sending.publish([(ANNE, 3), (BEN, 4)])
        await sending.until_taken({BEN: [2, 3, 4]})
        await sending.until_shown(endpoint, waiting=3)
    await sending.publish([(BEN, 5)])  # while no worker runs
    receiver.refused.clear()
    async with sending.worker():
        await sending.until_taken({BEN: [2, 3, 4, 5], ANNE: [1, 2, 3]})
        await sending.until_saved(endpoint, 7)
        shown = await sending.until_shown(endpoint, waiting=0, failures=0)
    assert (shown["enabled"], shown["paused"], shown["failing_since"]) == (True, False, None)
    for headers, body in receiver.taken:
        assert secret.verify(body.decode(), headers) == orjson.loads(body)
    first = next(headers for headers, body in receiver.taken if _named(body) == (ANNE, 1))
    assert set(receiver.refusals) == {first["webhook-id"]}
    attempts = (await sending.ask("GET", f"/{endpoint}/attempts?limit=1000"))["attempts"]
    assert {one["status"] for one in attempts} == {204, 500}


def _named(body: bytes) -> tuple[UUID, int]:
    change = orjson.loads(body)
    return UUID(change["customer_id"]), change["seq"]


async def test_an_endpoint_is_disabled_with_a_reason_enabled_and_replayed(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    receiver = sending.receiver
    receiver.refused.update([ANNE, BEN])
    body = {"url": sending.url, "after": "beginning", "types": ["linked"]}
    made = await sending.ask("POST", body=body, status=201)
    endpoint, former = made["endpoint"]["id"], Webhook(made["secret"])
    await sending.publish([(ANNE, 1), (BEN, 1), (ANNE, 2)])
    expected = {ANNE: [1, 2], BEN: [1]}
    async with sending.worker(RetryRules(SOON.first, SOON.longest, timedelta(0), 4)):
        shown = await sending.until_shown(endpoint, enabled=False)
        assert shown["disabled_because"].endswith("because of status 500")
        receiver.refused.clear()
        await sending.ask("POST", f"/{endpoint}/enable")
        await sending.until_taken(expected)
        await sending.until_saved(endpoint, 3)
        ids = {headers["webhook-id"] for headers, _ in receiver.taken}
        receiver.taken.clear()
        secret = Webhook((await sending.ask("POST", f"/{endpoint}/rotate"))["secret"])
        await sending.ask("POST", f"/{endpoint}/replay", {"since": 0})
        await sending.until_taken(expected)
        await sending.until_saved(endpoint, 6)
        assert {headers["webhook-id"] for headers, _ in receiver.taken} == ids
        for headers, sent in receiver.taken:
            assert secret.verify(sent.decode(), headers) == former.verify(sent.decode(), headers)
        receiver.taken.clear()
        changed = await sending.ask("PATCH", f"/{endpoint}", {"form": "omnichat", "types": None})
        assert (changed["form"], changed["types"], changed["url"]) == ("omnichat", None, sending.url)
        _in_environment(monkeypatch, sending.settings, tmp_path)
        await asyncio.to_thread(onefold, "replay", endpoint, "--after", "beginning")
        await sending.until_taken(expected)
        assert {headers["x-omnichat-topic"] for headers, _ in receiver.taken} == {"customer/linked"}
        await sending.brand.connection.execute(_LOG_GONE)
        shown = await sending.until_shown(endpoint, enabled=False)
        assert "replay" in shown["disabled_because"]
    assert "replay" in await asyncio.to_thread(onefold, "show", endpoint, status=1)


async def test_what_can_t_be_an_endpoint_is_refused_and_commands_do_as_the_routes(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = await sending.ask("POST", body={"url": "ftp://example.com/"}, status=422)
    assert refused["field"] == "url"
    await sending.ask("POST", body={"url": sending.url, "after": "yesterday"}, status=410)
    await sending.ask("POST", body={"url": sending.url, "types": ["exploded"]}, status=422)
    reader = {"Authorization": f"Bearer {sending.brand.keys['demo']}"}
    answer: httpx.Response = await sending.brand.client.get("/v1/webhook-endpoints", headers=reader)
    assert answer.status_code == 403
    _in_environment(monkeypatch, sending.settings, tmp_path)
    assert "whsec_" in await asyncio.to_thread(onefold, "add", sending.url, "--tenant", "demo", "--type", "merged")
    endpoint = (await sending.ask("GET"))["endpoints"][0]
    assert (endpoint["types"], endpoint["url"]) == (["merged"], sending.url)
    assert endpoint["id"] in await asyncio.to_thread(onefold, "list", "--tenant", "demo")
    assert "merged" in await asyncio.to_thread(onefold, "show", endpoint["id"])
    assert "whsec_" in await asyncio.to_thread(onefold, "rotate", endpoint["id"])
    assert "webhooks enable" in await asyncio.to_thread(onefold, "disable", endpoint["id"])
    shown = await sending.ask("POST", f"/{endpoint['id']}/disable")
    assert (shown["enabled"], shown["disabled_because"]) == (False, "a person has disabled it")
    assert (await count_webhooks(sending.brand.engine)).disabled == 0, "nobody has to be told"
    await asyncio.to_thread(onefold, "enable", endpoint["id"])
    assert (await sending.ask("GET", f"/{endpoint['id']}"))["enabled"]
    await asyncio.to_thread(onefold, "replay", endpoint["id"], "--since", "2026-03-01T00:00+08:00")
    assert "https" in await asyncio.to_thread(onefold, "add", "ftp://example.com/", "--tenant", "demo", status=1)
    await asyncio.to_thread(onefold, "remove", endpoint["id"])
    await sending.ask("GET", f"/{endpoint['id']}", status=404)
    monkeypatch.setattr("services.control.webhook_endpoints.MOST_ENDPOINTS", 0)
    await sending.ask("POST", body={"url": sending.url}, status=409)


def _in_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, data_dir: Path) -> None:
    monkeypatch.setenv("ONEFOLD_DATA_DIR", str(data_dir))
    monkeypatch.setenv("ONEFOLD_DATABASE", settings.database_url)
    monkeypatch.setenv("ONEFOLD_KAFKA", settings.kafka_servers)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", MASTER)
    monkeypatch.setenv("ONEFOLD_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("ONEFOLD_WEBHOOKS_PRIVATE", "true")


def onefold(*arguments: str, status: int = 0) -> str:
    """What a command of `onefold webhooks` printed; it ends with the status."""
    result = CliRunner().invoke(cli, ["webhooks", *arguments])
    assert result.exit_code == status, result.output
    return result.output
