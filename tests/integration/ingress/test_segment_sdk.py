"""Segment's own SDK for Python, pointed at Onefold."""

import asyncio
import datetime as dt
import time
from typing import Any

import pytest
import segment.analytics.request
from segment.analytics.client import Client

from services.control import write_keys
from tests.support.ingress import RunningIngress
from tests.support.serving import served

PAID_AT = dt.datetime(2025, 10, 9, 8, 53, 20, 123_000, dt.UTC)
PAID_AT_MS = 1_760_000_000_123


async def _sent(ingress: RunningIngress, write_key: str, **options: Any) -> list[Any]:
    """Has the SDK say some things; its errors, once everything was answered."""
    errors: list[Any] = []
    async with served(ingress.app) as address:
        client = Client(
            write_key,
            host=f"http://{address}",
            max_retries=1,
            on_error=lambda error, _: errors.append(error),
            **options,
        )
        client.identify("M7", {"email": "a@example.tw", "name": "林佳穎", "points": 320}, anonymous_id="c1")
        client.track("M7", "Paid", {"total": 680}, timestamp=PAID_AT, anonymous_id="c1")
        client.track("M9", "Refunded", {"total": 20})
        client.page(None, "Tea", "Oolong", {"url": "https://shop.example/2"}, anonymous_id="c2")
        client.alias("c3", "M7")
        client.group("M9", "club", {"name": "茶友會"})
        await asyncio.to_thread(client.shutdown)
        segment.analytics.request._session.close()
    return errors


@pytest.mark.parametrize("gzip", [False, True])
async def test_what_the_sdk_says_arrives(ingress: RunningIngress, *, gzip: bool) -> None:
    write_key = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    began = time.time_ns() // 1_000_000
    assert await _sent(ingress, write_key, gzip=gzip) == []
    log = [event for _, event in await ingress.log()]
    said = {(event.contact.uid, event.type) for event in log if event.contact}
    assert said == {
        ("c1", "identity.bound"),
        ("user:M7", "identity.bound"),
        ("user:M7", "profile.updated"),
        ("user:M7", "attribute.set"),
        ("user:M7", "web.tracked"),
        ("user:M7", "web.alias"),
        ("user:M9", "identity.bound"),
        ("user:M9", "web.tracked"),
        ("user:M9", "web.group"),
        ("c2", "web.tracked"),
        ("c3", "identity.bound"),
    }
    (paid,) = (event for event in log if event.model_dump()["data"].get("event") == "Paid")
    # The SDK's clock is this machine's: what is added is only the moment from sending to receipt.
    assert PAID_AT_MS <= paid.occurred_at < began
    assert all(event.occurred_at <= event.received_at for event in log)


async def test_the_sdk_is_told_that_its_key_is_wrong(ingress: RunningIngress) -> None:
    (error,) = await _sent(ingress, "wk_guess")
    assert error.status == 401
    assert await ingress.log() == []
