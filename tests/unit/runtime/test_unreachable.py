"""Whatever a server or a process does, the doctor says a sentence: no class of an error, and nothing of its text."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from aiokafka import errors as kafka

from services.doctor import http_checks
from services.doctor.kafka_checks import CLUSTER
from services.doctor.main import examine
from services.doctor.postgres_checks import SERVER
from services.doctor.unreachable import unreachable
from services.runtime.settings import Settings

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
        for area in (SERVER, CLUSTER):
            one = unreachable(area, made(kind), answered=answered)
            named = SERVER if issubclass(kind, asyncpg.PostgresError | asyncpg.InterfaceError) else area
            assert (one.area, one.state, bool(one.advice)) == (named.name, "failed", True), kind
            assert not CLASS_NAME.search(f"{one.found}. {one.advice}"), (kind, one)
            assert kind.__name__ not in one.found, (kind, one)
            assert SECRET not in f"{one.found} {one.advice}", (kind, one)


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
    assert found in unreachable(SERVER, made(kind), answered=False).found


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
