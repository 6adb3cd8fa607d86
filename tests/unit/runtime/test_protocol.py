"""A connection whose peer keeps it waiting ends, or makes room for one that does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from services.runtime import connections, protocol
from services.runtime.connections import Connections
from services.runtime.peers import Peers
from tests.support.serving import served

HALF = b"GET / HTTP/1.1\r\nHost: a\r\n"
WHOLE = HALF + b"\r\n"
EARLY = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def fine(_: Request) -> Response:
    return PlainTextResponse("fine")


async def large(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(100_000)

    return StreamingResponse(pieces())


async def reads(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def has_arrived(request: Request) -> Response:
    return PlainTextResponse(str(protocol.BODY_ARRIVED in request.scope.get("extensions", ())))


async def whole(request: Request) -> Response:
    await request.body()
    return WHOLE_OK


WHOLE_OK = protocol.WholeAnswer(b'{"a":1}', "application/json")
APP = Starlette(
    routes=[
        Route("/", fine),
        Route("/large", large),
        Route("/early", fine, methods=["POST"]),
        Route("/reads", reads, methods=["POST"]),
        Route("/whole", whole, methods=["POST"]),
        Route("/has_arrived", has_arrived, methods=["POST"]),
    ]
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY", 0.02)
    for name in ("_HEAD_WITHIN", "_REST_WITHIN", "_READ_WITHIN"):
        monkeypatch.setattr(protocol, name, 1.0)


@asynccontextmanager
async def server(most: int = 100) -> AsyncIterator[str]:
    async with served(APP, Connections(most, most, Peers())) as address:
        yield address


async def opened(address: str, sent: bytes) -> Streams:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def rest_of(streams: Streams) -> bytes:
    """What comes until the server closes the connection."""
    reader, writer = streams
    try:
        async with asyncio.timeout(240):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("head", [HALF, b"G", b"POST / HTTP/1.1\r\nTransfer-Encoding: chu"])
async def test_half_a_head_is_waited_for_no_longer_than_a_head_may_take(head: bytes) -> None:
    async with server() as address:
        assert (await rest_of(await opened(address, head))).startswith(b"HTTP/1.1 408")


async def test_a_connection_that_sends_nothing_is_closed_without_a_word() -> None:
    async with server() as address:
        assert await rest_of(await opened(address, b"")) == b""


async def test_a_head_that_trickles_in_is_late_all_the_same() -> None:
    async with server() as address, asyncio.timeout(240):
        answer = b""
        while not answer:  # what is sent just when the server closes the connection has the system drop its answer
            streams = await opened(address, HALF)
            await _trickled(streams)
            answer = await rest_of(streams)
        assert answer.startswith(b"HTTP/1.1 408")


async def _trickled(streams: Streams) -> None:
    """Send one byte after another, until the server has had enough."""
    reader, writer = streams
    while not reader.at_eof() and not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.02)
        if reader._buffer:  # type: ignore[attr-defined]  # the answer is there
            break


@pytest.mark.parametrize("sent", [b"NONSENSE\r\n\r\n", b"GET /fine HTTP/1.1\r\nX: " + b"x" * 70_000])
async def test_what_is_no_request_is_told_by_a_problem_document(sent: bytes) -> None:
    async with server() as address:
        head, _, body = (await rest_of(await opened(address, sent))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == 400


async def test_the_next_head_on_a_connection_is_timed_as_the_first_one() -> None:
    async with server() as address:
        reader, writer = streams = await opened(address, WHOLE)
        assert await reader.readuntil(b"fine")
        writer.write(HALF)
        assert (await rest_of(streams)).startswith(b"HTTP/1.1 408")
        assert (await rest_of(await opened(address, WHOLE + HALF))).endswith(b"fine")


async def test_a_body_that_is_sent_on_after_the_answer_is_not_waited_for() -> None:
    async with server() as address:
        assert (await rest_of(await opened(address, EARLY + b"x"))).startswith(b"HTTP/1.1 200")


async def test_an_answer_that_nobody_reads_ends_its_connection() -> None:
    bounds = Connections(10, 10, Peers())
    async with served(APP, bounds) as address:
        _, writer = await opened(address, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(240):
            while len(bounds):
                await asyncio.sleep(0.02)
        writer.close()


@pytest.mark.parametrize("silent", [b"", HALF, b"POST /reads HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"])
async def test_connections_that_wait_for_their_peers_keep_no_other_out(
    silent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_WITHIN", 600.0)
    async with server(most=5) as address:
        held = [await opened(address, silent) for _ in range(20)]
        for _ in range(5):
            _, writer = streams = await opened(address, WHOLE)
            assert (await streams[0].readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize(("body", "expected"), [(b"abc", b"True"), (b"ab", b"False")])
async def test_the_application_knows_whether_the_whole_body_has_arrived(body: bytes, expected: bytes) -> None:
    head = b"POST /has_arrived HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
    async with server() as address:
        assert (await rest_of(await opened(address, head + body))).endswith(b"\r\n\r\n" + expected)


async def test_a_whole_answer_is_the_same_however_it_is_sent() -> None:
    kept = b"POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    last = kept.replace(b"Host: a", b"Host: a\r\nConnection: close")  # which is sent in the usual way
    async with server() as address:
        answers = (await rest_of(await opened(address, kept + kept + last))).split(b"HTTP/1.1 ")[1:]
    heads, bodies = zip(*(answer.split(b"\r\n\r\n") for answer in answers), strict=True)
    assert bodies == (b'{"a":1}',) * 3
    first, second, closing = (
        {line for line in head.split(b"\r\n") if not line.startswith(b"date: ")} for head in heads
    )
    assert first == second == closing - {b"connection: close"}
    assert first == {b"200 OK", b"content-length: 7", b"content-type: application/json"}
    assert all(b"\r\ndate: " in head for head in heads)
