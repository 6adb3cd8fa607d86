"""Tenants: one brand each."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import TENANTS
from services.control.errors import NameTaken, translated
from services.control.names import check_name, check_region
from services.runtime.database import read


@dataclass(frozen=True, slots=True)
class Tenant:
    """One brand; ``default_region`` is where phone numbers without a country code are from."""

    tenant: str
    name: str
    default_region: str
    created_at: datetime


async def add_tenant(engine: AsyncEngine, tenant: str, *, name: str | None = None, region: str = "TW") -> None:
    """Add a tenant. Raises NameTaken or InvalidName."""
    check_name("a tenant's", tenant)
    check_region(region)
    row = {"tenant": tenant, "name": name or tenant, "default_region": region}
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.insert(TENANTS).values(row))
    except sa.exc.IntegrityError as error:
        raise translated(error, tenants_pk=NameTaken(f"there is a tenant {tenant!r} already")) from None


async def list_tenants(engine: AsyncEngine) -> list[Tenant]:
    """Every tenant, by name."""
    return [Tenant(**row) for row in await read(engine, sa.select(TENANTS).order_by(TENANTS.c.tenant))]
