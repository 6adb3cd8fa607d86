"""Bring a database's control schema up to this code's version."""

import asyncio
import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

# Alembic keeps the migration that is running in module globals.
_ONE_AT_A_TIME: Final = threading.Lock()


async def upgrade(database_url: str) -> None:
    """Apply what is missing, all in one transaction. Safe to run at once in several processes, threads and tasks."""
    await asyncio.to_thread(_upgrade, database_url)


def config_for(database_url: str) -> Config:
    """Alembic's configuration, found from this package's own place, not from the current directory."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def newest_version() -> str:
    """The newest migration that this code has."""
    return str(ScriptDirectory.from_config(config_for("")).get_current_head())


def _upgrade(database_url: str) -> None:
    with _ONE_AT_A_TIME:
        command.upgrade(config_for(database_url), "head")
