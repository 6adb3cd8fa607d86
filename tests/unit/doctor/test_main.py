"""Whatever a server or a process does, the doctor says a sentence: no class of an error, and nothing of its text."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator

import pytest

from services.doctor import http_checks
from services.doctor.main import examine
from services.runtime.settings import Settings

SECRET = "pa55word"
CLASS_NAME = re.compile(r"\w+Error\b|Exception|Traceback|None")


async def test_addresses_where_nothing_is_get_a_sentence_each() -> None:
    with socket.socket() as held:  # bound, so nobody else listens there; it does not listen itself
        held.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{held.getsockname()[1]}"
        settings = Settings(kafka=place, database=f"postgresql://u:{SECRET}@{place}/d")
        found = await examine(settings, {"ONEFOLD_URL": "http://h:port", "ONEFOLD_WORKER_URL": f"http://{place}"})
    says = {(one.area, one.check): f"{one.found}. {one.advice}" for one in found}
    assert "nothing listens at its address" in says["PostgreSQL", "reachable"]
    assert "no broker answers" in says["Kafka", "reachable"]
    assert "in ONEFOLD_URL" in says["processes", "service"]
    assert "set ONEFOLD_WORKER_URL" in says["processes", "worker"]
    assert not any(SECRET in text or CLASS_NAME.search(text) for text in says.values())


async def test_a_process_that_is_not_ready_is_found(respond: str) -> None:
    one = await http_checks.check_process("worker", respond, "ONEFOLD_WORKER_URL")
    assert (one.state, one.found) == ("failed", f"{respond} is not ready: kafka: it is away")


@pytest.fixture
async def respond() -> AsyncIterator[str]:
    """The address of a process whose Kafka is away."""
    body = b'{"checks":{"postgresql":"ok","kafka":"it is away"}}'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
