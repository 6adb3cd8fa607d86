"""Stock SDKs of other languages, pointed at Onefold, say the same things: one identify and one track."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal

import orjson
import pytest

from schemas import codec
from services.control import write_keys
from tests.support import stock_sdk
from tests.support.ingress import RunningIngress
from tests.support.serving import served

PAID_AT_MS = 1_760_000_000_123


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(partial(stock_sdk.say_by_node, "rudderstack"), id="rudder-sdk-node"),
        pytest.param(partial(stock_sdk.say_by_node, "segment"), id="segment-node"),
        pytest.param(stock_sdk.say_by_java, id="segment-java"),
    ],
)
async def test_what_an_sdk_says_arrives(ingress: RunningIngress, say: Callable[[str, str], None]) -> None:
    key = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    async with served(ingress.app) as address:
        await asyncio.to_thread(say, f"http://{address}", key)
    log = [event for _, event in await ingress.log()]
    assert {event.contact.uid for event in log if event.contact} == {"user:N1"}
    data = [(event.type, orjson.loads(codec.data_json(event))) for event in log]
    (name,) = (one["display_name"] for kind, one in data if kind == "profile.updated")
    assert name == "林佳穎"
    ((attribute, value),) = ((one["key"], one["value"]) for kind, one in data if kind == "attribute.set")
    assert (attribute, value) == ("plan", "gold")
    bound = {(one["type"], one["value"]) for kind, d in data if kind == "identity.bound" for one in d["identifiers"]}
    assert bound >= {("email", "a@example.tw"), ("phone", "+886912345678")}
    (paid,) = (event for event in log if event.type == "web.tracked")
    assert orjson.loads(codec.data_json(paid)) == {"event": "Paid", "properties": {"total": 680}}
    assert PAID_AT_MS <= paid.occurred_at < PAID_AT_MS + 60_000  # what is added is the moment from sending to receipt


@pytest.mark.parametrize("sdk", ["rudderstack", "segment"])
async def test_the_other_calls_of_an_sdk_arrive(
    ingress: RunningIngress, sdk: Literal["rudderstack", "segment"]
) -> None:
    key = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    async with served(ingress.app) as address:
        await asyncio.to_thread(stock_sdk.say_by_node, sdk, f"http://{address}", key, "rest")
    log = [event for _, event in await ingress.log()]
    said = {(event.contact.uid, event.type): orjson.loads(codec.data_json(event)) for event in log if event.contact}
    views = {
        (event.contact and event.contact.uid, data["event"], data["properties"].get("name"))
        for event in log
        if (data := orjson.loads(codec.data_json(event))) and event.type == "web.tracked"
    }
    assert views == {("user:N1", "page_viewed", "Home"), ("user:N1", "screen_viewed", "Cart")}
    assert said["user:N1", "web.group"]["groupId"] == "G1"
    (bound,) = said["former-browser", "identity.bound"]["identifiers"]
    assert (bound["type"], bound["value"], bound["assurance"]) == ("member_id", "N1", "claimed")
