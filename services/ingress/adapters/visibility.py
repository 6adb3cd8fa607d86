"""Polls the read models in PostgreSQL until they show given events."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT, personal_id
from projections.engine.touched import is_touched_up_to, latest_touched
from services.ingress.adapters.read_models import READ_MODELS_AWAY, reading
from services.ingress.core.statements import Receipt
from services.runtime.secrets import tenant_id_key

log = structlog.get_logger(__name__)

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.25
# How many of those looked for are there. Identity may be resolved after the timeline was written, or before.
_RECORDED: Final = """
SELECT count(*) FROM unnest($2::uuid[], $3::text[]) AS k(contact_id, event_id) WHERE EXISTS (
    SELECT FROM timeline t WHERE t.tenant = $1 AND t.contact_id = k.contact_id AND t.event_id = k.event_id)
"""
_STATED: Final = """
SELECT count(*) FROM unnest($2::uuid[], $3::text[]) AS k(contact_id, event_id) WHERE EXISTS (
    SELECT FROM statements t WHERE t.tenant = $1 AND t.contact_id = k.contact_id AND t.event_id = k.event_id)
"""
_MERGES: Final = """
SELECT count(*) FROM unnest($2::text[]) AS k(event_id) WHERE EXISTS (
    SELECT FROM member_merges t WHERE t.tenant = $1 AND t.event_id = k.event_id)
"""
_POLICIES: Final = """
SELECT count(*) FROM unnest($2::text[]) AS k(event_id) WHERE EXISTS (
    SELECT FROM policies t WHERE t.tenant = $1 AND t.event_id = k.event_id)
"""
_KNOWN: Final = """
SELECT count(*) FROM unnest($2::uuid[]) AS k(contact_id) WHERE EXISTS (
    SELECT FROM statements t WHERE t.tenant = $1 AND t.contact_id = k.contact_id)
"""


class PostgresVisibility:
    """Polls whichever generation is active at the time; ``db`` is a pool of its own.

    So requests that wait compete for that pool's connections only, and do not delay look-ups of keys and sources.
    """

    def __init__(self, db: asyncpg.Pool, master: str, within: float) -> None:
        self._db = db
        self._within = within
        self._id_key = lru_cache(maxsize=1024)(lambda tenant: tenant_id_key(master, tenant))

    async def wait_until_visible(self, tenant: str, receipts: Sequence[Receipt]) -> bool:
        """See Visibility."""
        wanted = _Wanted(tenant, [(self._id(tenant, one.contact), one) for one in receipts])
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(self._within):
                while not await self._look(wanted):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError:
            return False
        return True

    def _id(self, tenant: str, contact: str) -> UUID:
        return personal_id(self._id_key(tenant), contact) if contact else NO_CONTACT

    # Whatever is wrong with the read models, the log has the event, and that is what is answered in the end.
    async def _look(self, wanted: "_Wanted") -> bool:
        try:
            async with reading(self._db) as connection:
                return await wanted.shown(connection)
        except READ_MODELS_AWAY as error:
            log.info("read_models_away", error=type(error).__name__)
            return False


class _Wanted:
    """What a tenant waits for: receipts with the ids of their contacts, and then the rows of their customers."""

    def __init__(self, tenant: str, receipts: Sequence[tuple[UUID, Receipt]]) -> None:
        self._tenant = tenant
        self._receipts = receipts
        self._touched: int | None = None

    async def shown(self, connection: Connection) -> bool:
        """Whether read models of contacts and of identity show it, and customer rows what was touched by then."""
        if self._touched is None:
            if not await _shown(connection, self._tenant, self._receipts):
                return False
            self._touched = await latest_touched(connection, self._tenant)
        return self._touched is None or not await is_touched_up_to(connection, self._tenant, self._touched)


async def _shown(connection: Connection, tenant: str, wanted: Sequence[tuple[UUID, Receipt]]) -> bool:
    """Whether all of it is in the timeline and, as far as it is about identity, in the tenant's evidence.

    Evidence is recorded in the transaction that folds it into the resolution that readers read.
    """
    wanted_keys = (
        (_RECORDED, {(contact, event) for contact, one in wanted for event in one.event_ids}),
        (_POLICIES, {(event,) for _, one in wanted for event in one.policies}),
        (_MERGES, {(event,) for _, one in wanted for event in one.merges}),
        (_STATED, {(contact, event) for contact, one in wanted for event in one.evidence}),
        (_KNOWN, {(contact,) for contact, one in wanted if one.vouched and not one.evidence}),
    )
    for query, keys in wanted_keys:
        if not await _has(connection, query, tenant, keys):
            return False
    return True


async def _has(connection: Connection, query: str, tenant: str, keys: set[tuple[Any, ...]]) -> bool:
    return not keys or await connection.fetchval(query, tenant, *zip(*keys, strict=True)) == len(keys)
