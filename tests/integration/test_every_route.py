"""Every route of both services is called with whatever its own description allows, and with some of what it doesn't.

No answer is a server's error, each refusal is a problem document, and every answer is one that the description knows:
by status, content type and schema. The requests have an administrator's key, and webhooks are signed, so that they
are not all refused at once.
"""

import asyncio
import copy
import hmac
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any

import asyncpg
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, assume, settings
from pydantic import SecretStr

from projections.engine.generations import ensure_generation
from projections.registry import SCHEMA
from services.control import write_keys
from services.control.keys import add_key
from services.control.sources import add_source
from services.control.tenants import add_tenant
from services.embedded.http import create_app
from services.embedded.process import wait_for
from services.ingress.http.segment import PATHS
from services.runtime.broker import ensure_topics
from services.runtime.database import open_engine
from services.runtime.http import listen
from services.runtime.secrets import seal
from services.runtime.settings import Settings
from tests.support import servers

SECRET = b"the secret of every source"
MASTER = "a master key"
NOWHERE = Settings(database="postgresql://nowhere", kafka="nowhere:1", secret_key=SecretStr(MASTER))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
EVENTS = ("TagAdded", "MessageReceived", "TenantQuotaSet")
CONDITIONS = ("Not", "ByTag", "ByChannel")  # within conditions; a filter itself can be any


def _described() -> dict[str, Any]:
    """The description of both services, with some of the events and of the filters only.

    Each example of a condition within each other is a request of its own: there would be hundreds for a route.
    """
    document = copy.deepcopy(create_app(NOWHERE).openapi())
    models = document["components"]["schemas"]
    models["Event"] = _one_of(EVENTS)
    models["Not"]["properties"]["not"] |= _one_of(CONDITIONS)
    models["SameContact"]["properties"]["same_contact"] |= _one_of(CONDITIONS)
    models["All"]["properties"]["all"]["items"] |= _one_of(CONDITIONS)
    models["AnyOf"]["properties"]["any"]["items"] |= _one_of(CONDITIONS)
    return document


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
def _lines(_: Any, value: Any) -> bytes:
    """One value a line; what can't be a text is sent as something that is no JSON."""
    lines = value if isinstance(value, list) else [value]
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one, default=str).encode() for one in lines)


schema = schemathesis.openapi.from_dict(_described())
schema.config.phases.coverage.enabled = False  # thousands of requests where bodies are large


class Service:
    """Both services on one port, in a thread of their own, since what asks them waits for the answers."""

    def __init__(self, database: str, kafka: str) -> None:
        self._settings = Settings(
            database=database,
            kafka=kafka,
            topic_prefix="t-every-route",
            secret_key=SecretStr(MASTER),
            partitions=1,
            ack_timeout=60,  # how fast a machine is says nothing about the code
        )
        self.key = self.url = self.write_key = ""

    def authorization(self, path: str) -> str:
        """Who asks for the path."""
        return f"Basic {self.write_key}" if path in PATHS else f"Bearer {self.key}"

    async def serve(self, ready: threading.Event, ended: threading.Event) -> None:
        """Serve until ``ended``; the address is there when ``ready`` is set."""
        self.key = await self._prepared()
        app = create_app(self._settings)
        with closing(listen("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
            serving = asyncio.create_task(server._serve([listener]))
            await asyncio.to_thread(self.await_ready)
            ready.set()
            await asyncio.to_thread(ended.wait)
            server.should_exit = True
            await serving

    async def _prepared(self) -> str:
        await ensure_topics(self._settings)
        db = await asyncpg.connect(self._settings.database_url)
        try:
            await ensure_generation(db, SCHEMA)
        finally:
            await db.close()
        async with open_engine(self._settings.database_url) as engine:
            await add_tenant(engine, "fuzzed")
            for channel in ("line", "meta"):
                sealed = seal(MASTER, SECRET)
                await add_source(
                    engine,
                    f"fuzzed-{channel}",
                    tenant="fuzzed",
                    channel=channel,
                    account=None,
                    sealed_secrets=[sealed],
                    sealed_verify_token=sealed,
                )
            site = await write_keys.add_site(engine, "fuzzed-web", tenant="fuzzed", account="shop")
            self.write_key = b64encode(f"{site}:".encode()).decode()
            return await add_key(engine, "fuzzed", ["admin", "operator"])

    def await_ready(self) -> None:
        """Return once everything that the services need answers in time."""

        def is_ready() -> bool:
            try:
                return requests.get(f"{self.url}/readyz", timeout=60).ok
            except requests.RequestException:
                return False

        assert wait_for(is_ready, 240), "it does not become ready"


@pytest.fixture(scope="module")
def service(kafka: str, postgres: servers.SharedPostgres) -> Iterator[Service]:
    ready, ended, made = threading.Event(), threading.Event(), []

    async def run() -> None:
        async with servers.fresh_database(postgres) as url:
            made.append(Service(url, kafka))
            await made[0].serve(ready, ended)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(300)
    yield made[0]
    ended.set()
    thread.join(240)


LONGEST_URL = 60_000  # bytes; beyond 64 KiB a request is refused before any application sees it


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described_and_no_server_error(case: Any, service: Service) -> None:
    case.query.pop("wait", None)  # no worker runs here, so that each would wait in vain
    if case.path.startswith("/webhooks/"):
        case.path_parameters["source"] = "fuzzed-line" if "/line/" in case.path else "fuzzed-meta"
    prepared = requests.Request(**_plain(case.as_transport_kwargs(base_url=service.url))).prepare()
    assume(len(prepared.url or "") < LONGEST_URL)
    body = prepared.body or b""
    assert isinstance(body, str | bytes)
    prepared.headers.update(
        _signed(body.encode() if isinstance(body, str) else body) | {"Authorization": service.authorization(case.path)}
    )
    with requests.Session() as session:
        answer = session.send(prepared, timeout=120)
        if case.path == "/readyz" and answer.status_code == 503:  # what it asks answered late, on a busy machine
            service.await_ready()
            answer = session.send(prepared, timeout=120)
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "auth"}


def _signed(body: bytes) -> dict[str, str]:
    digest = hmac.digest(SECRET, body, sha256)
    return {"x-line-signature": b64encode(digest).decode(), "x-hub-signature-256": f"sha256={digest.hex()}"}
