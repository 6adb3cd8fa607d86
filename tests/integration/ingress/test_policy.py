"""Administrators set the policy over HTTP; it is an event in the log."""

from typing import Any

import httpx
import orjson

from services.control.keys import add_key
from tests.support.ingress import RunningIngress, an_event

WISH = {"policy": {"types": {"phone": {"limit": 4}}}, "by": "amy", "note": "families"}


async def put(ingress: RunningIngress, content: Any, key: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return await ingress.client.put("/v1/identity/policy", content=body, headers={"Authorization": f"Bearer {key}"})


async def test_a_policy_is_in_the_log_whole_when_it_is_accepted(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    answer = await put(ingress, WISH, key)
    assert answer.status_code == 202, answer.text
    ((_, event),) = await ingress.log()
    assert answer.json() == {"event_id": event.event_id}
    assert (event.tenant, event.type, event.contact) == ("acme", "tenant.policy_set", None)
    policy = event.data.policy  # type: ignore[union-attr]  # it is what the type says
    assert policy["types"]["phone"]["limit"] == 4
    assert policy["types"]["email"]["limit"] == 10
    assert "default_region" not in policy


async def test_who_may_not_or_sends_no_policy_sets_none(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    writer = await add_key(ingress.engine, "acme", ["customers:write", "events:write"])
    asked = [
        (WISH, writer, 403),
        (b"{", key, 400),
        ([], key, 422),
        ({}, key, 422),
        (WISH | {"polciy": 1}, key, 422),
        ({"policy": {"blocked": ["a{4294967296}"]}}, key, 422),
    ]
    for content, sender, status in asked:
        answer = await put(ingress, content, sender)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "policy"
    assert await ingress.log() == []


async def test_an_event_that_sets_no_policy_is_refused_as_well(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin", "events:write"])
    for policy in ({"blocked": ["a{4294967296}"]}, {"types": {"phone": 1}}, {"polciy": 1}):
        answer = await ingress.post(an_event(type="tenant.policy_set", contact=None, data={"policy": policy}), key=key)
        assert answer.status_code == 422, answer.text
        assert answer.json()["results"][0]["problem"]["reason"] == "no_policy"
        assert answer.json()["results"][0]["problem"]["field"] == "data.policy"
    assert await ingress.log() == []
