"""Contacts that are not erased and have events which name one that is."""

from functools import partial
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.statements import compiled
from projections.erasures.naming import names_erased
from projections.erasures.tables import NEVER
from projections.erasures.tables import TABLE as ERASURES
from projections.timeline.tables import TABLE
from schemas.subjects import NAMING_TYPES

_PREFETCH: Final = 1000  # rows
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_ERASED: Final = compiled(
    sa.select(ERASURES.c.contact_id).where(ERASURES.c.tenant == _TENANT, ERASURES.c.at > NEVER[0]), "tenant"
)
_NAMING: Final = compiled(
    sa.select(TABLE.c.contact_id, sa.cast(TABLE.c.data, sa.Text()), sa.cast(TABLE.c.intrinsic, sa.Text())).where(
        TABLE.c.tenant == _TENANT,
        sa.or_(TABLE.c.type.in_(sorted(NAMING_TYPES)), sa.cast(TABLE.c.intrinsic, sa.Text()) != "[]"),
    ),
    "tenant",
)


async def contacts_naming_erased(connection: Connection, tenant: str, id_of: IdOf) -> set[UUID]:
    """The ids of the tenant's contacts with such events. Needs a transaction; reads the tenant's whole timeline.

    Where the tenant has erased nobody, it is one statement.
    """
    erased = {contact_id for (contact_id,) in await connection.fetch(_ERASED, tenant)}
    found: set[UUID] = set()
    if erased:
        identify = partial(id_of, tenant)
        async for contact_id, *texts in connection.cursor(_NAMING, tenant, prefetch=_PREFETCH):
            if contact_id not in found and names_erased(contact_id, texts, erased.__contains__, identify):
                found.add(contact_id)
    return found
