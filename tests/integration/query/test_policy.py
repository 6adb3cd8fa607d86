"""The policy in force, its adoption, and previews of another one."""

from typing import Any

import httpx

from projections.engine.generations import active_generation
from projections.identity import resolutions
from projections.identity.policies import policies_in
from projections.registry import SCHEMA
from services.control.keys import add_key
from tests.support.identity_events import bound, claimed, event
from tests.support.read_api import Brand, id_of

PATH = "/v1/identity/policy"
PHONE = "+886911111111"


async def preview(brand: Brand, body: Any, key: str = "admin") -> httpx.Response:
    if key == "admin" and key not in brand.keys:
        brand.keys[key] = await add_key(brand.engine, "demo", ["admin"])
    headers = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.post(f"{PATH}/preview", json=body, headers=headers, timeout=60)


async def test_a_tenant_that_set_no_policy_has_the_whole_default_policy(brand: Brand) -> None:
    policy = await brand.json(PATH)
    assert policy["version"] == "default"
    assert policy["policy"]["types"]["phone"]["limit"] == 10
    assert (policy["adopting"], policy["versions"]) == (None, [])


async def test_a_policy_that_was_set_is_adopted_next(brand: Brand) -> None:
    await brand.connection.execute(f"SET search_path TO {(await active_generation(brand.connection, SCHEMA)).name}")
    wish = {"policy": {"types": {"phone": {"limit": 4}}}, "by": "amy", "note": "families"}
    await resolutions.record(
        brand.connection, policies_in([event(None, "tenant.policy_set", wish, event_id="p1", at=5)])
    )
    policy = await brand.json(PATH)
    assert policy["version"] == "default"
    assert policy["adopting"] == {"version": "p1", "statements": 0, "done": 0}
    assert [(one["version"], one["by"], one["note"]) for one in policy["versions"]] == [("p1", "amy", "families")]
    assert policy["versions"][0]["changes"] == [{"part": "types.phone.limit", "before": 10, "after": 4}]
    assert (await brand.json(f"{PATH}/versions/p1"))["policy"] == wish["policy"]
    assert (await brand.json(f"{PATH}/versions/default"))["policy"] == {}
    assert (await brand.get(f"{PATH}/versions/p2")).status_code == 404
    assert (await brand.json(PATH, "other"))["versions"] == []


async def test_a_preview_shows_what_would_merge_and_split(brand: Brand) -> None:
    await brand.fold(
        bound("web:shop:c1", line_user="p:1", at=1),
        bound("web:shop:c2", line_user="p:2", at=2),
        bound("web:shop:c1", phone=PHONE, at=3),
        bound("web:shop:c2", phone=PHONE, at=4),
        claimed("web:shop:c3", email="a@example.tw", at=5),
        claimed("web:shop:c4", email="a@example.tw", at=6),
        bound("web:shop:c5", member_id="M5", link="line:oa1:named", at=7),
    )
    await brand.fold_contacts(event("web:shop:c6", "web.tracked", {"event": "page_viewed"}, at=8))
    answer = await preview(brand, {"policy": {"types": {"line_user": {"exclusive": None}, "email": {"claimed": None}}}})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["customers_now"], shown["customers_then"]) == (5, 5)
    assert [shown[kind]["count"] for kind in ("merged", "split", "unchanged")] == [1, 1, 2]
    assert (shown["largest_now"], shown["largest_then"]) == (2, 2)
    assert [(one["now"], one["then"]) for one in shown["sizes"][:3]] == [(4, 4), (1, 1), (0, 0)]
    assert shown["merged"]["largest"][0]["contacts"] == ["web:shop:c1", "web:shop:c2"]
    assert shown["merged"]["largest"][0]["id"] == str(id_of("web:shop:c1"))
    assert shown["split"]["largest"][0]["contacts"] == ["web:shop:c3", "web:shop:c4"]
    assert [len(one["contacts"]) for one in shown["split"]["largest"][0]["pieces"]] == [1, 1]
    # Nothing has changed.
    customer = await brand.json("/v1/customers/contact:web:shop:c3")
    assert len(customer["contacts"]) == 2


async def test_an_invalid_policy_is_refused_with_the_field(brand: Brand) -> None:
    answer = await preview(brand, {"policy": {"types": {"phone": {"limit": 0}}}})
    assert answer.status_code == 422
    assert "types.phone.limit" in answer.json()["detail"]
    assert (await preview(brand, {})).status_code == 422
    assert (await preview(brand, {"policy": {}}, key="demo")).status_code == 403
