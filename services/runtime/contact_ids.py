"""Permanent ids of contacts, derived by each tenant's own key."""

from functools import lru_cache
from typing import cast
from uuid import UUID

from asyncpg.pgproto import pgproto

from projections.engine.ids import IdOf, personal_id_bytes
from schemas.subjects import erased_id
from services.runtime.secrets import tenant_id_key


def id_of(master: str) -> IdOf:
    """A function from (tenant, contact key) to the personal id, with a cache of the latest ids.

    The ids are asyncpg's UUIDs: a chunk compares and hashes them many times, and theirs do it in C.
    """
    tenant_key = lru_cache(maxsize=1024)(lambda tenant: tenant_id_key(master, tenant))

    @lru_cache(maxsize=100_000)
    def of(tenant: str, contact_key: str) -> UUID:
        # Of a contact whose key in the log was destroyed, this id is all that is known.
        if (known := erased_id(contact_key)) is not None:
            return cast("UUID", pgproto.UUID(known.bytes))
        return cast("UUID", pgproto.UUID(personal_id_bytes(tenant_key(tenant), contact_key)))

    return of
