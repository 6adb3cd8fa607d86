"""Custom attributes over HTTP: their definitions, and the keys that customers have without one."""

from typing import Any

from projections.customers.composing import compose_some
from schemas.codec import from_dict
from schemas.events import Event
from tests.support.contact_records import event
from tests.support.read_api import Brand
from tests.support.strategies import BASE_MS


def defined(key: str, kind: str, at: int, **more: Any) -> Event:
    return from_dict(
        {
            "event_id": f"{key}@{at}",
            "tenant": "demo",
            "type": "tenant.attribute_defined",
            "occurred_at": BASE_MS + at,
            "received_at": BASE_MS + at,
            "source": "test",
            "data": {"key": key, "type": kind, **more},
        }
    )


async def keys(brand: Brand, key: str = "demo", **params: Any) -> list[Any]:
    """Every attribute on every page."""
    page = await brand.json("/v1/attributes", key=key, **params)
    found = list(page["attributes"])
    while page["next"]:
        page = await brand.json("/v1/attributes", key=key, **params, cursor=page["next"])
        found += page["attributes"]
    return found


async def test_the_latest_definition_of_each_key_is_listed(brand: Brand) -> None:
    await brand.fold_contacts(
        defined("birthday", "date", 2, display_name="生日", names={"zh": "生日", "en": "Birthday"}),
        defined("birthday", "text", 1),  # came late
        defined("points", "number", 1),
        defined("points", "number", 3, archived=True),
    )
    birthday, points = await keys(brand)
    assert birthday == {
        "key": "birthday",
        "defined": True,
        "type": "date",
        "display_name": "生日",
        "names": {"zh": "生日", "en": "Birthday"},
        "description": None,
        "archived": False,
        "defined_at": BASE_MS + 2,
        "customers": 0,
    }
    assert (points["key"], points["archived"]) == ("points", True)
    assert await keys(brand, key="other") == []


async def test_keys_without_a_definition_are_listed_as_such(brand: Brand) -> None:
    await brand.fold(
        event("attribute.set", 1, key="city", value="台北"),
        event("attribute.set", 2, contact="line:oa1:U2", key="city", value="台中"),
        event("attribute.set", 3, key="points", value=5),
        defined("points", "number", 1),
        defined("tier", "text", 1),
    )
    async with brand.connection.transaction(isolation="repeatable_read"):
        await compose_some(brand.connection, "demo", "TW")
    for limit in (1, 2, 200):
        assert [(one["key"], one["defined"], one["customers"]) for one in await keys(brand, limit=limit)] == [
            ("city", False, 2),
            ("points", True, 1),
            ("tier", True, 0),
        ]
