"""The service that is measured, as a process of its own, with a brand, its key and its LINE account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.bed import Bed, connected
from benchmarks.ingest.requests import ACCOUNT, SECRET, SOURCE
from services.control import registry as control
from services.embedded.ours import await_ready
from services.embedded.ports import free_port
from services.runtime.broker import ensure_topics
from services.runtime.secrets import seal
from services.runtime.settings import Settings

TENANT: Final = "bench"
INGRESS: Final = ("-c", "from services.cli import app; app()", "ingress")
_ANY_RATE: Final = 1_000_000.0  # one source sends everything, and nothing of it is to be refused for that
ONE_PORT: Final = ("-m", "services.embedded.http")


async def prepared(bed: Bed, name: str) -> tuple[Settings, str]:
    """Settings with tables, topics, the brand and its account, and a key of the brand's."""
    settings = (await bed.lasting_generation(name, name)).model_copy(
        update={"port": free_port(), "source_rate": _ANY_RATE}
    )
    await ensure_topics(settings)
    async with connected(settings.database_url) as connection:
        await control.add_tenant(connection, TENANT)
        sealed = [seal(settings.master_key, SECRET)]
        await control.add_source(
            connection, SOURCE, tenant=TENANT, channel="line", account=ACCOUNT, provider="p", sealed_secrets=sealed
        )
        return settings, await control.add_key(connection, TENANT, ["events:write", "customers:read"])


@asynccontextmanager
async def serving(bed: Bed, settings: Settings, command: tuple[str, ...]) -> AsyncIterator[None]:
    """The process, once it is ready, until the block ends."""
    with bed.process(settings, "http", *command) as process:
        await_ready(process, "127.0.0.1", settings.port)
        yield
