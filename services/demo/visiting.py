"""One person, asked for over the read API as anybody would."""

from typing import Any, Final

import httpx

from services.demo.requests import Address
from services.query.core.identity_models import Why

_MOST_ASKED: Final = 12  # contacts of the customer; the demo's regular has fewer


async def visit_person(address: Address, contact: dict[str, str]) -> tuple[dict[str, Any], Why]:
    """A contact's profile, and why it is one customer with that contact of its own that is the farthest from it."""
    bearer = {"Authorization": f"Bearer {address.key}"}
    async with httpx.AsyncClient(trust_env=False, timeout=10.0, base_url=address.url, headers=bearer) as client:
        profile = await _get(client, "/v1/contacts/{channel}/{account}/{uid}".format(**contact))
        found = await _get(client, f"/v1/customers/{profile['customer_id']}/contacts")
        others = [one["contact"] for one in found["contacts"]][:_MOST_ASKED]
        whys = [await _why(client, profile["contact"], other) for other in others]
    return profile, max(whys, key=lambda why: (len(why.chain), why.b.contact))


async def _why(client: httpx.AsyncClient, one: str, other: str) -> Why:
    return Why.model_validate(await _get(client, "/v1/identity/why", a=one, b=other))


async def _get(client: httpx.AsyncClient, path: str, **query: str) -> Any:
    response = await client.get(path, params=query)
    response.raise_for_status()
    return response.json()
