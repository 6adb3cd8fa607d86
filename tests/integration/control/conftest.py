from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from services.cli import app
from services.control.tenants import add_tenant
from services.runtime.database import open_engine

Onefold = Callable[..., str]


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with the tenants `acme` and `other`."""
    async with open_engine(database) as opened:
        await add_tenant(opened, "acme", name="ACME 公司")
        await add_tenant(opened, "other")
        yield opened


@pytest.fixture
async def db(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that looks at the tables themselves."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
def onefold(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Onefold:
    """Runs a command without Kafka, and fails unless it ends with the status; returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", database)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "master")
    monkeypatch.delenv("ONEFOLD_KAFKA", raising=False)

    def run(*arguments: str, status: int = 0, stdin: str | None = None) -> str:
        result = CliRunner().invoke(app, arguments, input=stdin)
        assert result.exit_code == status, result.output
        return result.output

    return run
