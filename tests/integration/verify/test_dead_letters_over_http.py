from base64 import b64decode
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from services.control.keys import add_key
from services.embedded.http import create_app
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings
from tests.support.dead_letters import GARBAGE, set_aside
from tests.support.read_api import MASTER, Brand, open_brand

PATH = "/v1/dead-letters"


async def retry(brand: Brand, key: str, **order: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.post(f"{PATH}/retry", json=order, headers=headers)


async def test_a_tenant_sees_and_retries_its_own_dead_letters_and_an_operator_all(
    database_with_read_models: str, kafka: str
) -> None:
    settings = Settings(
        database=database_with_read_models,
        kafka=kafka,
        secret_key=SecretStr(MASTER),
        topic_prefix=f"t-{uuid4().hex[:10]}",
        partitions=1,
    )
    await ensure_topics(settings)
    log = await set_aside(settings)
    async with open_brand(settings, make_app=lambda known, **_: create_app(known)) as brand:
        brand.keys["admin"] = await add_key(brand.engine, "demo", ["admin"])
        brand.keys["operator"] = await add_key(brand.engine, "demo", ["admin", "operator"])
        assert (await brand.get(PATH)).status_code == 403
        for key, offsets in (("admin", [8, 7]), ("operator", [9, 8, 7])):
            found = (await brand.json(PATH, key=key))["dead_letters"]
            assert [one["offset"] for one in found] == offsets
        reasons = (await brand.json(PATH, key="admin", reason="not_json"))["reasons"]
        assert reasons == [
            {"reason": "future_version", "letters": 1, "sent_again": 0},
            {"reason": "not_json", "letters": 1, "sent_again": 0},
        ]
        one = await brand.json(f"{PATH}/{log}/0/7", key="admin")
        assert (b64decode(one["value"]), one["key"], one["reason"]) == (GARBAGE, "demo|line:oa1:U1", "not_json")
        assert (await brand.get(f"{PATH}/{log}/0/9", key="admin")).status_code == 404
        assert (await brand.get(f"{PATH}/{log}/0/9", key="operator")).status_code == 200

        assert (await retry(brand, "admin", place=f"{log}/0/9")).status_code == 404
        assert (await retry(brand, "admin")).status_code == 422
        assert (await retry(brand, "admin", place="nowhere")).status_code == 422
        (done,) = (await retry(brand, "admin", reason="future_version")).json()["outcomes"]
        assert (done["place"], done["outcome"]) == (f"{log}/0/8", "sent_again")
        (again,) = (await retry(brand, "admin", place=f"{log}/0/8")).json()["outcomes"]
        assert (again["outcome"], again["detail"]) == ("sent_before", done["detail"])
        assert (await retry(brand, "admin", reason="future_version")).status_code == 404
        (refused,) = (await retry(brand, "admin", reason="not_json")).json()["outcomes"]
        assert (refused["place"], refused["outcome"]) == (f"{log}/0/7", "refused_again")
