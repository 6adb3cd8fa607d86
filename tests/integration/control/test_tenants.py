import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.errors import InvalidName, NameTaken
from services.control.tenants import add_tenant, list_tenants


async def test_a_tenant_is_added_once(engine: AsyncEngine) -> None:
    with pytest.raises(NameTaken):
        await add_tenant(engine, "acme")
    tenant, _ = await list_tenants(engine)
    assert (tenant.tenant, tenant.name, tenant.default_region) == ("acme", "ACME 公司", "TW")


@pytest.mark.parametrize("name", ["", "ACME", "a b", "a|b", "-a", "a" * 64, "a\n"])
async def test_a_name_that_keys_could_not_contain_is_refused(engine: AsyncEngine, name: str) -> None:
    with pytest.raises(InvalidName):
        await add_tenant(engine, name)


@pytest.mark.parametrize("region", ["", "tw", "TWN", "\uff34\uff37"])
async def test_a_region_is_two_capital_letters(engine: AsyncEngine, region: str) -> None:
    with pytest.raises(InvalidName):
        await add_tenant(engine, "b", region=region)
