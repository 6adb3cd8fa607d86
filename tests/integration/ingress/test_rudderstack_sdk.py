"""RudderStack's own SDK for Python, pointed at Onefold."""

import asyncio
import datetime as dt
from typing import Any

import orjson
import pytest
import rudderstack.analytics.request
from rudderstack.analytics.client import Client

from schemas import codec
from services.control import write_keys
from tests.support.ingress import RunningIngress
from tests.support.serving import served

PAID_AT = dt.datetime(2025, 10, 9, 8, 53, 20, 123_000, dt.UTC)
PAID_AT_MS = 1_760_000_000_123
TRAITS = {"name": "林佳穎", "email": "a@example.tw", "phone": "+886912345678", "plan": "gold"}


async def _sent(ingress: RunningIngress, write_key: str, **options: Any) -> list[Any]:
    """Has the SDK say some things; its errors, once everything was answered."""
    errors: list[Any] = []
    async with served(ingress.app) as address:
        client = Client(
            write_key,
            host=f"http://{address}",
            on_error=lambda error, _: errors.append(error),
            max_retries=1,
            **options,
        )
        client.identify("R1", TRAITS)
        client.track("R1", "Paid", {"total": 680}, timestamp=PAID_AT)
        client.group("R1", "club", {"name": "茶友會"})
        await asyncio.to_thread(client.shutdown)
        rudderstack.analytics.request._session.close()
    return errors


@pytest.mark.parametrize("gzip", [False, True])
async def test_what_the_sdk_says_arrives(ingress: RunningIngress, *, gzip: bool) -> None:
    site = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    assert await _sent(ingress, site, gzip=gzip) == []
    log = [event for _, event in await ingress.log()]
    assert {event.contact.uid for event in log if event.contact} == {"user:R1"}
    data = [(event.type, orjson.loads(codec.data_json(event))) for event in log]
    (name,) = (one["display_name"] for kind, one in data if kind == "profile.updated")
    assert name == "林佳穎"
    ((key, value),) = ((one["key"], one["value"]) for kind, one in data if kind == "attribute.set")
    assert (key, value) == ("plan", "gold")
    bound = {(one["type"], one["value"]) for kind, d in data if kind == "identity.bound" for one in d["identifiers"]}
    assert bound >= {("email", "a@example.tw"), ("phone", "+886912345678")}
    (paid,) = (event for event in log if event.type == "web.tracked")
    assert orjson.loads(codec.data_json(paid))["properties"] == {"total": 680}
    assert PAID_AT_MS <= paid.occurred_at < PAID_AT_MS + 60_000  # what is added is the moment from sending to receipt
    (group,) = (one for kind, one in data if kind == "web.group")
    assert group == {"groupId": "club", "traits": {"name": "茶友會"}}


async def test_the_sdk_is_told_that_its_key_is_wrong_and_gives_up(ingress: RunningIngress) -> None:
    (error,) = await _sent(ingress, "wk_guess")
    assert (error.status, error.code) == (401, "unauthenticated")
    assert await ingress.log() == []
