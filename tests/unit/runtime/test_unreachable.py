"""Whatever a server does, a person is told a sentence: no class of an error, and nothing of its text."""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from aiokafka import errors as kafka

from services.runtime.unreachable import explained, server_of, trouble_of, trouble_with_http

SECRET = "pa55word"
OTHERS = (OSError, ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError, ValueError)
CLASS_NAME = re.compile(r"\w+Error\b|Exception|Traceback|None")


def subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


ERRORS = sorted(
    {*subclasses(asyncpg.PostgresError), *subclasses(asyncpg.InterfaceError), *subclasses(kafka.KafkaError), *OTHERS}
    | {asyncpg.InterfaceError, asyncpg.PostgresError, kafka.KafkaError},
    key=lambda one: (one.__module__, one.__name__),
)


def made(kind: type[BaseException]) -> BaseException:
    error = kind.__new__(kind, SECRET)
    error.args = (SECRET,)
    return error


@pytest.mark.parametrize("answered", [False, True])
def test_no_error_shows_its_class_or_its_text(*, answered: bool) -> None:
    assert len(ERRORS) > 200, "those of both drivers are among them"
    for kind in ERRORS:
        for server in ("PostgreSQL", "Kafka"):
            one = trouble_of(made(kind), server, answered=answered)
            assert one.found, kind
            assert one.advice, kind
            assert not CLASS_NAME.search(str(one)), (kind, one)
            assert kind.__name__ not in one.found, (kind, one)
            assert SECRET not in str(one), (kind, one)


def test_an_error_of_a_driver_is_its_servers_and_one_of_the_network_anybodys() -> None:
    for kind in ERRORS:
        of_postgresql = issubclass(kind, asyncpg.PostgresError | asyncpg.InterfaceError)
        own = "PostgreSQL" if of_postgresql else "Kafka" if issubclass(kind, kafka.KafkaError) else "Redis"
        assert server_of(made(kind), "Redis") == own, kind


def test_a_whole_sentence_names_the_server() -> None:
    refused = ConnectionRefusedError(111, SECRET)
    assert explained(refused) == (
        "PostgreSQL can't be used: nothing listens at its address; start it, or correct the address"
    )
    assert explained(kafka.KafkaConnectionError(SECRET)).startswith("Kafka can't be used: no broker answers; see that")


async def test_what_an_http_client_hides_in_its_causes_is_found() -> None:
    with socket.socket() as held:  # bound, so nobody else listens there; it does not listen itself
        held.bind(("127.0.0.1", 0))
        for host in ("127.0.0.1", "localhost"):
            async with httpx.AsyncClient(trust_env=False) as client:
                with pytest.raises(httpx.ConnectError) as refused:
                    await client.get(f"http://{host}:{held.getsockname()[1]}/")
            assert trouble_with_http(refused.value).found == "nothing listens at its address"


async def test_an_http_server_that_is_silent_or_hangs_up_gets_a_sentence_too() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with (
        await asyncio.start_server(hang_up, "127.0.0.1", 0) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        with pytest.raises(httpx.TransportError) as broken:
            await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert trouble_with_http(broken.value).found == "it ended the connection"
    late = httpx.ReadTimeout("")
    late.__cause__ = TimeoutError()
    assert trouble_with_http(late).found == "it does not answer in time"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (asyncpg.InvalidPasswordError, "refuses the user or the password"),
        (asyncpg.InvalidAuthorizationSpecificationError, "does not let this user connect"),
        (asyncpg.ClientConfigurationError, "its address can't be read"),
        (asyncpg.DiskFullError, "the error 53100"),
        (ssl.SSLCertVerificationError, "the certificate is not trusted"),
        (socket.gaierror, "is not known here"),
        (kafka.TopicAuthorizationFailedError, "does not allow"),
        (kafka.KafkaTimeoutError, "does not answer in time"),
        (kafka.CorruptRecordException, "the error 2 of Kafka's protocol"),
    ],
)
def test_what_can_be_told_apart_is(kind: type[BaseException], found: str) -> None:
    assert found in trouble_of(made(kind), "PostgreSQL", answered=False).found
