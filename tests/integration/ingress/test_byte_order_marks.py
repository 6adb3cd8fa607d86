"""A byte order mark at the start of a body, as Windows' programs write one, changes nothing at any door."""

import gzip
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from projections.migrations.tables import SCOPES
from services.control.keys import add_key
from services.ingress.http.segment import PATHS
from tests.support.ingress import RunningIngress, an_event, line_signature, line_webhook
from tests.support.shop import Shop, open_shop

SITE = {"source": "site", "channel": "web", "account": "site"}
# What begins well enough that only the mark could be what is wrong with it.
BEGINNINGS = {"application/json": b"{}", "application/x-ndjson": b'"web:s:1"\n', "text/csv": b"contact\nweb:s:1\n"}
VALUES = {"channel": "line", "account": "oa1", "uid": "U1"}


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


def doors(app: FastAPI) -> Iterator[tuple[str, str, str, bytes]]:
    """The method, the path, the type and a body of every door that takes JSON, or lines of it, or CSV."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            for kind in operation.get("requestBody", {}).get("content", {}):
                if kind in BEGINNINGS and not path.startswith("/webhooks/"):
                    yield method.upper(), path, kind, BEGINNINGS[kind]


async def test_every_door_answers_as_without_the_mark(shop: Shop) -> None:
    key = await add_key(shop.ingress.engine, "acme", SCOPES)
    bearer = {"Authorization": f"Bearer {key}"}
    site = (await shop.ingress.client.post("/v1/sources", json=SITE, headers=bearer)).json()
    asked = 0
    for client, app in ((shop.ingress.client, shop.ingress.app), (shop.reading, shop.read_api)):
        for method, path, kind, body in doors(app):
            auth = httpx.BasicAuth(site["server_key"], "") if path in PATHS else None
            headers = {"Content-Type": kind} | ({} if auth else bearer)
            address = filled(path)
            plain, marked = [
                await client.request(method, address, content=one, headers=headers, auth=auth)
                for one in (body, BOM_UTF8 + body)
            ]
            assert said(plain) == said(marked), (method, path, kind, plain.text, marked.text)
            asked += plain.status_code not in {401, 403, 404, 415}
    assert asked > 25, "the doors were opened"


def filled(path: str) -> str:
    """The path with values for its parameters."""
    parts = (part.strip("{}") if part.startswith("{") else part for part in path.split("/"))
    return "/".join(VALUES.get(part, part) for part in parts)


def said(answer: httpx.Response) -> tuple[int, Any]:
    """What has to be the same: the status, and of a refusal all of it."""
    return answer.status_code, answer.json() if answer.is_error else None


async def test_marked_events_and_webhooks_are_taken(ingress: RunningIngress) -> None:
    for body, packed in ((orjson.dumps(an_event("a")), False), (orjson.dumps([an_event("b")]), True)):
        content = gzip.compress(BOM_UTF8 + body) if packed else BOM_UTF8 + body
        assert (await ingress.post(content, {"Content-Encoding": "gzip"} if packed else None)).status_code == 202
    webhook = BOM_UTF8 + line_webhook("hi")
    assert (await ingress.line(webhook, line_signature(webhook))).status_code == 200
    assert sorted(event.type for _, event in await ingress.log()) == ["message.received", "tag.added", "tag.added"]
