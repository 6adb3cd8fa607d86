"""One attempt to send a webhook: bounded, without redirects, and never to an address that was not checked."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.changes.destinations import DestinationRules
from services.changes.posting import WebhookPoster, host_header

OPEN, PUBLIC_ALONE = DestinationRules(insecure=True, private=True), DestinationRules(insecure=True)


@asynccontextmanager
async def receiver(answer: bytes, heard: list[bytes] | None = None) -> AsyncIterator[int]:
    """A server that answers every request with these bytes, and nothing where there are none; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head + await reader.read(2))
        if answer:
            writer.write(answer)
        else:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_body_is_posted_with_its_headers_and_2xx_is_a_success() -> None:
    heard: list[bytes] = []
    async with receiver(b"HTTP/1.1 204 No Content\r\n\r\n", heard) as port, WebhookPoster(OPEN) as poster:
        attempt = await poster.post(f"http://127.0.0.1:{port}/hook?x=1", {"webhook-id": "msg_1"}, b"{}")
    assert (attempt.status, attempt.problem, attempt.succeeded) == (204, None, True)
    assert heard[0].startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert b"webhook-id: msg_1\r\n" in heard[0]
    assert heard[0].endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com/x", b"example.com"),
        ("https://example.com:8443/", b"example.com:8443"),
        ("https://[2606:4700::1111]:8443/", b"[2606:4700::1111]:8443"),
        ("http://example.com:80/", b"example.com"),
    ],
)
def test_the_host_header_is_as_the_url_has_it(url: str, host: bytes) -> None:
    assert host_header(url) == host


async def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    heard: list[bytes] = []
    redirect = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    async with receiver(redirect, heard) as port, WebhookPoster(OPEN) as poster:
        attempt = await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert (attempt.status, attempt.succeeded, len(heard)) == (307, False, 1)


async def test_a_receiver_that_says_nothing_is_given_up() -> None:
    async with receiver(b"") as port, WebhookPoster(OPEN, within=0.2) as poster:
        attempt = await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert (attempt.status, attempt.problem) == (None, "no answer within 0.2 s")


async def test_an_answer_without_end_is_read_to_a_bound() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 200_000
    async with receiver(endless) as port, WebhookPoster(OPEN) as poster:
        assert (await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")).succeeded


async def test_a_name_of_a_private_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    async def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with receiver(b"HTTP/1.1 200 OK\r\n\r\n", heard) as port, WebhookPoster(PUBLIC_ALONE) as poster:
        attempt = await poster.post(f"http://hooks.example.com:{port}/", {}, b"{}")
    assert (attempt.problem, heard) == ("the host's address is not a public one", [])


async def test_a_url_of_another_form_is_refused_at_each_send() -> None:
    async with WebhookPoster(DestinationRules()) as poster:
        attempt = await poster.post("http://example.com/", {}, b"{}")
    assert attempt.problem == "the URL has to begin with https://"
