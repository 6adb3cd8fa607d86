"""An ingress with the read models behind it: what it took in is folded from the log and asked of the read API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson
from fastapi import FastAPI

from projections.customers.composing import compose_all
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.generations import ensure_generation
from projections.engine.ids import NO_CONTACT, personal_id
from projections.engine.projection import ContactEvent
from projections.identity.policies import save_chunk
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline.store import PostgresStore
from services.control.keys import add_key
from services.query.main import create_app
from services.runtime.secrets import tenant_id_key
from tests.support.documented import DocumentedTransport
from tests.support.ingress import MASTER, RunningIngress
from tests.support.read_api import until_ready

_ID_KEY = tenant_id_key(MASTER, "acme")
_REGION = "TW"


@dataclass
class Shop:
    """A tenant's ingress and read API; ``key`` may do everything to its customers."""

    ingress: RunningIngress
    key: str
    connection: Connection
    reading: httpx.AsyncClient
    read_api: FastAPI
    folded: set[str] = field(default_factory=set)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def send(self, method: str, path: str, content: Any = b"", **headers: str) -> httpx.Response:
        """A request to ingress."""
        body = content if isinstance(content, bytes) or hasattr(content, "__aiter__") else orjson.dumps(content)
        return await self.ingress.client.request(method, path, content=body, headers=self._headers | headers)

    async def accepted(self, method: str, path: str, content: Any = b"", **headers: str) -> Any:
        """The answer to a request that ingress accepts."""
        answer = await self.send(method, path, content, **headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        """The read API's answer."""
        return await self.ask("GET", path)

    async def ask(self, method: str, path: str, content: Any = None) -> Any:
        """The read API's answer to a request that it accepts."""
        answer = await self.reading.request(method, path, json=content, headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def fold(self) -> None:
        """Fold the whole log, again if it was already: a repeat changes nothing."""
        events = [event for _, event in await self.ingress.log()]
        await self.connection.execute("SET search_path TO g1")
        ids = [personal_id(_ID_KEY, event.contact.key) if event.contact else NO_CONTACT for event in events]
        async with self.connection.transaction():
            await project(
                PostgresStore(self.connection),
                PROJECTIONS,
                [ContactEvent(*both) for both in zip(ids, events, strict=True)],
            )
            await save_chunk(self.connection, events, lambda _, key: personal_id(_ID_KEY, key), _REGION)
        await compose_all(self.connection, _REGION, lambda: asyncio.sleep(0))


@asynccontextmanager
async def open_shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    """A shop behind the ingress."""
    connection = await asyncpg.connect(ingress.settings.database_url)
    await ensure_generation(connection, SCHEMA)
    scopes = ["events:write", "customers:read", "customers:write"]
    key = await add_key(ingress.engine, "acme", scopes)
    app = create_app(ingress.settings)
    transport = DocumentedTransport(app)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://query") as reading,
        ):
            shop = Shop(ingress, key, connection, reading, app)
            await until_ready(reading)
            yield shop
    finally:
        await connection.close()
