"""Searches of a brand by its read API."""

from typing import Any

import httpx

from tests.support.read_api import Brand


async def post(brand: Brand, path: str, body: Any, key: str = "demo") -> httpx.Response:
    return await brand.client.post(path, json=body, headers={"Authorization": f"Bearer {brand.keys[key]}"})


async def search(brand: Brand, wanted: Any, key: str = "demo", **more: Any) -> Any:
    response = await post(brand, "/v1/customers/search", {"filter": wanted, **more}, key)
    assert response.status_code == 200, response.text
    return response.json()
