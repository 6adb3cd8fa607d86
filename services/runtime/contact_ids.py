"""Contacts to their permanent ids, by each tenant's own key."""

from functools import lru_cache
from typing import cast
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as PgUUID  # noqa: N811 - it is one of two UUIDs here

from projections.engine.ids import IdOf, personal_id
from services.runtime.secrets import tenant_id_key


def id_of(master: str) -> IdOf:
    """(tenant, contact key) to personal id, remembering the latest of them.

    Ids are asyncpg's own kind of UUID: they are compared and hashed many times a chunk, and that kind does it in C.
    """
    tenant_key = lru_cache(maxsize=1024)(lambda tenant: tenant_id_key(master, tenant))

    @lru_cache(maxsize=100_000)
    def of(tenant: str, contact_key: str) -> UUID:
        return cast("UUID", PgUUID(personal_id(tenant_key(tenant), contact_key).bytes))

    return of
