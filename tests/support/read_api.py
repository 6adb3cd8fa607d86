"""The read API on a real PostgreSQL, with read models that the real folds made."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.customers.composing import compose_some
from projections.customers.store import compose_again
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.generations import active_generation, ensure_generation
from projections.engine.ids import personal_id
from projections.engine.projection import ContactEvent
from projections.identity.policies import save_chunk
from projections.quota.store import CountingStore, save_changes
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline.store import PostgresStore
from schemas.events import Event
from services.control.keys import add_key
from services.control.tenants import add_tenant
from services.query.core.timelines import MOST_BYTES
from services.query.main import create_app
from services.runtime.database import open_engine
from services.runtime.secrets import tenant_id_key
from services.runtime.settings import Settings
from tests.support.documented import DocumentedTransport
from tests.support.strategies import BASE_MS, DAY_MS

MASTER = "a master key"
NOW = BASE_MS + 30 * DAY_MS


@lru_cache
def _id_key(tenant: str) -> bytes:
    return tenant_id_key(MASTER, tenant)


def id_of(contact_key: str, tenant: str = "demo") -> UUID:
    """The contact's personal id."""
    return personal_id(_id_key(tenant), contact_key)


@dataclass
class Brand:
    """Two tenants with their keys, their read models, and a client of the read API."""

    url: str
    connection: Connection
    engine: AsyncEngine
    app: FastAPI
    client: httpx.AsyncClient
    keys: dict[str, str] = field(default_factory=dict)

    async def fold_contacts(self, *events: Event) -> None:
        """Fold the events into the contacts' read models, as one chunk."""
        await self.connection.execute(f"SET search_path TO {(await active_generation(self.connection, SCHEMA)).name}")
        ids = [id_of(one.contact.key, one.tenant) if one.contact else UUID(int=0) for one in events]
        async with self.connection.transaction():
            chunk = [ContactEvent(*both) for both in zip(ids, events, strict=True)]
            counting = CountingStore(PostgresStore(self.connection))
            await project(counting, PROJECTIONS, chunk)
            await save_changes(self.connection, counting.changes(lambda contact_id: contact_id.int % 4))

    async def fold_identity(self, *events: Event) -> None:
        """Fold the events into identity, as one chunk."""
        await self.connection.execute(f"SET search_path TO {(await active_generation(self.connection, SCHEMA)).name}")
        async with self.connection.transaction():
            await save_chunk(self.connection, events, lambda tenant, key: id_of(key, tenant), "TW")

    async def fold(self, *events: Event) -> None:
        """Fold the events into every read model."""
        await self.fold_contacts(*events)
        await self.fold_identity(*events)

    async def compose(self) -> None:
        """Note all as touched, as the agents do, and compose the customer rows."""
        await self.connection.execute(f"SET search_path TO {(await active_generation(self.connection, SCHEMA)).name}")
        await compose_again(self.connection)
        for tenant in ("demo", "other"):
            more = True
            while more:
                async with self.connection.transaction(isolation="repeatable_read"):
                    more = await compose_some(self.connection, tenant, "TW")

    async def get(self, path: str, key: str = "demo", **params: Any) -> httpx.Response:
        """Ask with one of the brand's keys."""
        return await self.client.get(path, params=params or None, headers={"Authorization": f"Bearer {self.keys[key]}"})

    async def json(self, path: str, key: str = "demo", **params: Any) -> Any:
        """The answer to a question that has one."""
        response = await self.get(path, key, **params)
        assert response.status_code == 200, response.text
        return response.json()


@asynccontextmanager
async def open_brand(
    settings: Settings, page_bytes: int = MOST_BYTES, make_app: Callable[..., FastAPI] = create_app
) -> AsyncIterator[Brand]:
    """The tenants ``demo`` and ``other``; keys by their name, and ``writer``, which may not read."""
    connection = await asyncpg.connect(settings.database_url)
    await ensure_generation(connection, SCHEMA)
    app = make_app(settings, page_bytes=page_bytes)
    app.state.clock = lambda: NOW
    transport = DocumentedTransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        open_engine(settings.database_url) as engine,
    ):
        made = Brand(settings.database_url, connection, engine, app, client)
        for tenant in ("demo", "other"):
            await add_tenant(engine, tenant)
            scopes = [f"customers:{one}" for one in ("read", "write", "export", "erase")]
            made.keys[tenant] = await add_key(engine, tenant, scopes)
        made.keys["writer"] = await add_key(engine, "demo", ["events:write"])
        await until_ready(client)
        yield made
    await connection.close()


async def until_ready(client: httpx.AsyncClient) -> None:
    """Wait until the service says that it is ready."""
    async with asyncio.timeout(240):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.01)


def keys_of(pages: Iterable[Any]) -> list[str]:
    """The event ids of timeline pages, in their order."""
    return [one["event_id"] for page in pages for one in page["events"]]
