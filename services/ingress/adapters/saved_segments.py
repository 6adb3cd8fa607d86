"""Reads from PostgreSQL what a tenant's segments ask for."""

import asyncio
from typing import Final

import asyncpg
import structlog

from projections.customers.search.filters import FilterNode
from projections.customers.search.rewriting import SegmentFilters
from projections.segments.searching import load_segments
from services.ingress.adapters.read_models import READ_MODELS_AWAY, reading

log = structlog.get_logger(__name__)

_WITHIN: Final = 2.0  # seconds


class PostgresSegments:
    """See SegmentReads. ``db`` is a pool of its own; a read may take ``within`` seconds."""

    def __init__(self, db: asyncpg.Pool, within: float = _WITHIN) -> None:
        self._db = db
        self._within = within

    async def segments_in(self, tenant: str, node: FilterNode) -> SegmentFilters | None:
        """See SegmentReads."""
        try:
            async with asyncio.timeout(self._within), reading(self._db) as connection:
                return await load_segments(connection, tenant, node)
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return None
