import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from services.embedded.ports import free_port
from services.runtime.connections import Connections
from services.runtime.http import NotReady, RequestMetrics, health_routes, listen, serve, serve_health
from services.runtime.peers import Peers
from services.runtime.protocol import MAX_DISCARDED, MAX_HEAD
from tests.support.polling import until


async def fine() -> None:
    await asyncio.sleep(0)


async def refuses() -> None:
    raise NotReady("two partitions are stopped")


async def breaks() -> None:
    raise ConnectionRefusedError("postgresql://user:password@host is down")


@contextlib.asynccontextmanager
async def client_of(*paths: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=list(paths))
    app.add_middleware(RequestMetrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_process_is_ready_when_every_check_passes() -> None:
    async with client_of(*health_routes({"kafka": fine, "postgresql": fine})) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"ready": True, "checks": {"kafka": "ok", "postgresql": "ok"}}
        assert (await client.get("/healthz")).status_code == 200


async def test_readiness_names_the_failing_checks_and_no_secret() -> None:
    async with client_of(*health_routes({"kafka": fine, "partitions": refuses, "postgresql": breaks})) as client:
        with capture_logs() as lines:
            answer = await client.get("/readyz")
        assert [line["error"] for line in lines] == ["ConnectionRefusedError"]
        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "kafka": "ok",
            "partitions": "two partitions are stopped",
            "postgresql": "nothing listens at its address; start it, or correct the address",
        }
        assert (await client.get("/healthz")).status_code == 200


async def test_a_check_that_hangs_is_timed_out() -> None:
    async with client_of(*health_routes({"hangs": lambda: asyncio.sleep(60)}, timeout=0.01)) as client:
        says: str = (await client.get("/readyz")).json()["checks"]["hangs"]
        assert says.startswith("it does not answer in time; see that it runs")


async def test_requests_are_measured_by_template_and_never_by_path() -> None:
    async def contact(_: Request) -> Response:
        return PlainTextResponse("ok")

    async with client_of(Route("/contacts/{uid}", contact), *health_routes({})) as client:
        for path in ("/contacts/U-secret", "/contacts/U-other", "/guess/U-secret"):
            await client.get(path)
        await client.request("BREW", "/guess/pot")
        text = (await client.get("/metrics")).text
    assert "U-secret" not in text
    assert "guess" not in text
    assert "BREW" not in text
    labels = {"route": "/contacts/{uid}", "method": "GET", "status": "200"}
    assert (REGISTRY.get_sample_value("onefold_http_seconds_count", labels) or 0) >= 2


async def _start(app: Starlette) -> tuple[int, "asyncio.Task[None]"]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve(app, listener, Connections(100, 100, Peers()), lifespan="off"))
    async with _client(port) as client:  # once it answers it also heeds signals
        await client.get("/none")
    return port, task


def _client(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)


async def _stop(task: "asyncio.Task[None]") -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(240):
        await task


async def test_sigterm_lets_a_request_finish_and_ends_without_an_error() -> None:
    began = asyncio.Event()

    async def slow(_: Request) -> Response:
        began.set()
        await asyncio.sleep(0.5)
        return PlainTextResponse("done")

    port, task = await _start(Starlette(routes=[Route("/", slow)]))
    async with _client(port) as client:
        request = asyncio.create_task(client.get("/"))
        await began.wait()
        await asyncio.gather(_stop(task), request)
        assert request.result().text == "done"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


async def test_a_port_in_use_is_an_error_at_once() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as listener:
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await serve_health("127.0.0.1", listener.getsockname()[1], {})


async def test_health_is_served_until_cancelled() -> None:
    port = free_port()
    task = asyncio.create_task(serve_health("127.0.0.1", port, {"kafka": fine}))
    async with _client(port) as client:

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready, 240, "it never came up")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    listen("127.0.0.1", port).close()


async def _flood(port: int, head: bytes, most: int) -> tuple[int, bytes]:
    """The bytes that were accepted before the connection was closed, and the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    sent = 0
    try:
        while sent < most and not reader.at_eof():
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.read(1000), 60)
    except (ConnectionError, TimeoutError):
        answer = b""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return sent, answer


async def test_an_endless_head_closes_the_connection() -> None:
    port, task = await _start(Starlette())
    most = 50 * MAX_HEAD
    for head in (b"GET /", b"GET / HTTP/1.1\r\nCookie: "):
        sent, answer = await _flood(port, head, most)
        assert sent < most or answer.startswith(b"HTTP/1.1 400")
    await _stop(task)


async def test_endless_trailers_close_the_connection() -> None:
    async def slow(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("done")

    port, task = await _start(Starlette(routes=[Route("/", slow, methods=["POST"])]))
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: "
    sent, _ = await _flood(port, head, 50 * MAX_HEAD)
    assert sent < 50 * MAX_HEAD
    await _stop(task)


async def test_sending_on_after_the_answer_closes_the_connection() -> None:
    port, task = await _start(Starlette())
    head = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n"
    sent, _ = await _flood(port, head, 4 * MAX_DISCARDED)
    assert sent < 2 * MAX_DISCARDED
    await _stop(task)
