"""The measured service, as an own process, with a brand, its key and its LINE account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.bed import Bed
from benchmarks.ingest.requests import ACCOUNT, SECRET, SOURCE
from services.control.keys import add_key
from services.control.sources import add_source
from services.control.tenants import add_tenant
from services.embedded.ports import free_port
from services.embedded.process import Process
from services.embedded.service_processes import await_ready
from services.runtime.broker import ensure_topics
from services.runtime.database import open_engine
from services.runtime.secrets import seal
from services.runtime.settings import Settings

TENANT: Final = "bench"
INGRESS: Final = ("-c", "from services.cli import app; app()", "ingress")
_ANY_RATE: Final = 1_000_000.0  # one source sends everything, and nothing of it is to be refused for that
ONE_PORT: Final = ("-m", "services.embedded.http")


async def prepared(bed: Bed, name: str) -> tuple[Settings, str]:
    """Make tables, topics, the brand and its account; return the settings and a key of the brand."""
    settings = (await bed.lasting_generation(name, name)).model_copy(
        update={"port": free_port(), "source_rate": _ANY_RATE}
    )
    await ensure_topics(settings)
    async with open_engine(settings.database_url) as engine:
        await add_tenant(engine, TENANT)
        sealed = [seal(settings.master_key, SECRET)]
        await add_source(
            engine, SOURCE, tenant=TENANT, channel="line", account=ACCOUNT, provider="p", sealed_secrets=sealed
        )
        return settings, await add_key(engine, TENANT, ["events:write", "customers:read"])


@asynccontextmanager
async def serving(bed: Bed, settings: Settings, command: tuple[str, ...], name: str = "http") -> AsyncIterator[Process]:
    """Run the process until the block ends; it is ready when the block begins."""
    with bed.process(settings, name, *command) as process:
        await_ready(process, "127.0.0.1", settings.port)
        yield process
