"""Staff decide over HTTP; the decision is an event in the log."""

from typing import Any

import httpx
import orjson

from services.control.keys import add_key
from tests.support.ingress import RunningIngress

GOOD = {"a": "line:oa1:U1", "b": "web:shop:c1", "decision": "different", "by": "amy", "note": "two people"}


async def decide(ingress: RunningIngress, content: Any, key: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return await ingress.client.post(
        "/v1/identity/decisions", content=body, headers={"Authorization": f"Bearer {key}"} if key else {}
    )


async def test_a_decision_is_in_the_log_when_it_is_accepted(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["customers:write"])
    answer = await decide(ingress, GOOD, key)
    assert answer.status_code == 202, answer.text
    ((record_key, event),) = await ingress.log()
    assert answer.json() == {"event_id": event.event_id}
    assert (event.tenant, event.type) == ("acme", "identity.decided")
    assert "line:oa1:U1" in record_key


async def test_who_may_not_or_says_nonsense_decides_nothing(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["customers:write"])
    asked = [(GOOD, "", 401), (GOOD, ingress.key, 403), (b"{", key, 400), ([], key, 422), (GOOD | {"by": ""}, key, 422)]
    for content, sender, status in asked:
        answer = await decide(ingress, content, sender)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "by"
    assert await ingress.log() == []
