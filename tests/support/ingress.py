"""Ingress on a real Kafka and a real PostgreSQL, called over ASGI; the bodies, signatures and fixtures for it."""

import asyncio
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from schemas import codec
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.control.keys import add_key
from services.control.sources import add_source
from services.control.tenants import add_tenant, list_tenants
from services.ingress.adapters.log import REPLACE_AFTER
from services.ingress.main import VISIBLE_WITHIN, create_app
from services.runtime.broker import ensure_topics
from services.runtime.database import open_engine
from services.runtime.secrets import seal
from services.runtime.settings import Settings
from tests.support.clock import ForwardedClock
from tests.support.documented import DocumentedTransport

MASTER = "a master key"
SECRETS = (b"old channel secret", b"channel secret")
VERIFY_TOKEN = "a verify token"
PARTITIONS = 4
OCCURRED_AT = 1_760_000_000_000
ISSUED_AT = OCCURRED_AT // 1000
PERSON = "10215567788990011"


def an_event(event_id: str = "e1", **changes: Any) -> dict[str, Any]:
    """A good one, as a producer sends it."""
    contact = {"channel": "web", "account": "shop", "uid": "c1"}
    return {
        "event_id": event_id,
        "type": "tag.added",
        "contact": contact,
        "occurred_at": OCCURRED_AT,
        "data": {"tag": "VIP"},
    } | changes


def line_signature(body: bytes, secret: bytes = SECRETS[1]) -> dict[str, str]:
    """The header that LINE sends with a body."""
    return {"x-line-signature": b64encode(hmac.digest(secret, body, sha256)).decode()}


def meta_signature(body: bytes, secret: bytes = SECRETS[1]) -> dict[str, str]:
    """The header that Meta sends with a body."""
    return {"x-hub-signature-256": "sha256=" + hmac.digest(secret, body, sha256).hex()}


def line_webhook(*texts: str, uid: str = "U" + "0" * 32) -> bytes:
    """Messages as LINE tells of them."""
    return orjson.dumps(
        {
            "destination": "Ubot",
            "events": [
                {
                    "type": "message",
                    "mode": "active",
                    "timestamp": OCCURRED_AT + number,
                    "webhookEventId": f"01HZ{number:022d}",
                    "deliveryContext": {"isRedelivery": False},
                    "source": {"type": "user", "userId": uid},
                    "message": {"id": str(number), "type": "text", "text": text},
                }
                for number, text in enumerate(texts)
            ],
        }
    )


META_ACCOUNTS = {"facebook": "301", "instagram": "17841400000000001", "whatsapp": "118"}


def meta_message(channel: str, text: str = "hi") -> bytes:
    """A message of one person's, as Meta tells of it on the channel."""
    return orjson.dumps(_whatsapp(text) if channel == "whatsapp" else meta_item_body(channel, text))


def meta_item_body(channel: str, text: str) -> Any:
    item = {
        "sender": {"id": "7001"},
        "recipient": {"id": META_ACCOUNTS[channel]},
        "timestamp": OCCURRED_AT,
        "message": {"mid": f"mid.{channel}", "text": text},
    }
    page = "page" if channel == "facebook" else "instagram"
    return {"object": page, "entry": [{"id": META_ACCOUNTS[channel], "time": OCCURRED_AT, "messaging": [item]}]}


def _whatsapp(text: str) -> Any:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "886277001234", "phone_number_id": META_ACCOUNTS["whatsapp"]},
        "contacts": [{"wa_id": "886911111111", "profile": {"name": "林"}}],
        "messages": [
            {
                "id": "wamid.1",
                "from": "886911111111",
                "timestamp": str(OCCURRED_AT // 1000),
                "type": "text",
                "text": {"body": text},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "219", "changes": [change]}]}


def deletion_form(user_id: Any = PERSON, secret: bytes = SECRETS[1], **said: Any) -> dict[str, str]:
    """The form that Meta sends."""
    payload = orjson.dumps({"algorithm": "HMAC-SHA256", "issued_at": ISSUED_AT, "user_id": user_id} | said)
    encoded = urlsafe_b64encode(payload).rstrip(b"=")
    signature = urlsafe_b64encode(hmac.digest(secret, encoded, sha256)).rstrip(b"=")
    return {"signed_request": f"{signature.decode()}.{encoded.decode()}"}


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["type"]) == (status, f"/problems/{slug}")
    return body


@dataclass
class RunningIngress:
    """A running ingress, a key for it, and the log behind it."""

    client: httpx.AsyncClient
    settings: Settings
    key: str
    db: asyncpg.Connection
    engine: AsyncEngine
    app: FastAPI
    clock: ForwardedClock

    async def post(self, content: Any, headers: dict[str, str] | None = None, key: str | None = None) -> httpx.Response:
        """Send events; anything but bytes is made JSON."""
        body = content if isinstance(content, bytes) or hasattr(content, "__aiter__") else orjson.dumps(content)
        authorization = {"Authorization": f"Bearer {self.key if key is None else key}"}
        return await self.client.post("/v1/events", content=body, headers=authorization | (headers or {}))

    async def line(self, body: bytes, headers: dict[str, str], source: str = "shop-line") -> httpx.Response:
        """Send a webhook."""
        return await self.client.post(f"/webhooks/line/{source}", content=body, headers=headers)

    async def meta(self, body: bytes, headers: dict[str, str], source: str = "shop-meta") -> httpx.Response:
        """Send a webhook of Meta's."""
        return await self.client.post(f"/webhooks/meta/{source}", content=body, headers=headers)

    async def log(self) -> list[tuple[str, Event]]:
        """What is in the log right now: key and event of each record."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            topic = CHANNEL_EVENTS.full_name(self.settings.topic_prefix)
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[tuple[str, Event]] = []
            for partition, end in ends.items():
                while await consumer.position(partition) < end:
                    records = (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
                    found.extend((record.key.decode(), codec.decode(record.value)) for record in records)
            return found
        finally:
            await consumer.stop()

    def wait_at_most(self, seconds: float) -> None:
        """How long callers that ask with ``wait=true`` wait from now on."""
        self.app.state.ingress.visibility._within = seconds

    async def ready(self, *, within: float = 240) -> None:
        """Return when ingress says that it is ready."""
        async with asyncio.timeout(within):
            while (await self.client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def running_ingress(
    settings: Settings, visible_within: float = VISIBLE_WITHIN, replace_after: float = REPLACE_AFTER
) -> AsyncIterator[RunningIngress]:
    """A running ingress with a tenant, a key and a source."""
    async with open_engine(settings.database_url) as engine:
        db = await asyncpg.connect(settings.database_url)
        try:
            key = await add_tenant_with_sources(engine)
            clock = ForwardedClock()
            app = create_app(settings, clock, visible_within, replace_after)
            transport = DocumentedTransport(app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://ingress", timeout=30) as client,
            ):
                yield RunningIngress(client, settings, key, db, engine, app, clock)
        finally:
            await db.close()


async def add_tenant_with_sources(engine: AsyncEngine) -> str:
    """A key of the tenant, which is added with its sources if it is not there."""
    if not await list_tenants(engine):
        await add_tenant(engine, "acme")
        await add_source(
            engine,
            "shop-line",
            tenant="acme",
            channel="line",
            account="oa1",
            provider="p1",
            sealed_secrets=[seal(MASTER, secret) for secret in SECRETS],
        )
        await add_source(
            engine,
            "shop-meta",
            tenant="acme",
            channel="meta",
            account=None,
            sealed_secrets=[seal(MASTER, secret) for secret in SECRETS],
            sealed_verify_token=seal(MASTER, VERIFY_TOKEN.encode()),
        )
    return await add_key(engine, "acme", ["events:write"])


def settings_for(kafka: str, database: str, topic_prefix: str, **more: Any) -> Settings:
    """Settings of a test's own."""
    return Settings(
        kafka=kafka,
        database=database,
        topic_prefix=topic_prefix,
        secret_key=SecretStr(MASTER),
        partitions=PARTITIONS,
        ack_timeout=more.pop("ack_timeout", 60),  # machines that test are busy
        **more,
    )


@pytest.fixture
def visible_within() -> float:
    """How long a caller may wait, in s, on a busy machine; a test that waits in vain parametrizes it."""
    return 60.0


@pytest.fixture
async def ingress(kafka: str, database: str, topic_prefix: str, visible_within: float) -> AsyncIterator[RunningIngress]:
    """An ingress that is ready."""
    settings = settings_for(kafka, database, topic_prefix, body_limit=2_000_000, batch_limit=500)
    await ensure_topics(settings)
    async with running_ingress(settings, visible_within) as opened:
        await opened.ready()
        yield opened
