"""The read API on a real PostgreSQL, with read models that the real folds made."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.query.core.timelines import MOST_BYTES
from services.runtime.settings import Settings
from tests.support.read_api import MASTER, Brand, open_brand


@pytest.fixture
def settings(database_with_read_models: str) -> Settings:
    return Settings(database=database_with_read_models, secret_key=SecretStr(MASTER))


@pytest.fixture
def page_bytes() -> int:
    """The bound of a timeline's page; a test that needs a small one parametrizes it."""
    return MOST_BYTES


@pytest.fixture
async def brand(settings: Settings, page_bytes: int) -> AsyncIterator[Brand]:
    """The tenants ``demo`` and ``other``; keys by their name, and ``writer``, which may not read."""
    async with open_brand(settings, page_bytes) as made:
        yield made
