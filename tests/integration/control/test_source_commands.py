"""`onefold sources` on a real Kafka and a real PostgreSQL."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from typer.testing import CliRunner

from schemas import codec
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.cli import app
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings

Onefold = Callable[..., str]


@pytest.fixture
def settings(kafka: str, database: str, topic_prefix: str) -> Settings:
    return Settings(
        kafka=kafka, database=database, topic_prefix=topic_prefix, partitions=1, secret_key=SecretStr("master")
    )


@pytest.fixture
def onefold(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Onefold:
    """Runs the command, and fails unless it ends with the status."""
    monkeypatch.chdir(tmp_path)
    for name in ("kafka", "database", "topic_prefix"):
        monkeypatch.setenv(f"ONEFOLD_{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "master")
    monkeypatch.setenv("ONEFOLD_PUBLIC_URL", "https://onefold.example/")
    monkeypatch.setenv("FIRST", "first app secret")
    monkeypatch.setenv("SECOND", "second app secret")
    monkeypatch.setenv("TOKEN", "a token of our own")
    monkeypatch.setenv("COLUMNS", "200")
    asyncio.run(ensure_topics(settings))

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, result.output
        assert "app secret" not in result.output
        return result.output

    run("tenants", "add", "acme")
    return run


async def _log(settings: Settings) -> list[Event]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(CHANNEL_EVENTS.full_name(settings.topic_prefix), 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        events: list[Event] = []
        while await consumer.position(partition) < end:
            records = (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
            events += [codec.decode(record.value) for record in records]
        return events
    finally:
        await consumer.stop()


def test_a_source_from_its_beginning_to_its_end(onefold: Onefold, settings: Settings) -> None:
    added = onefold("sources", "add", "meta", "app", "--tenant", "acme", "--secret-env", "FIRST", "--sender", "42=bot")
    assert "https://onefold.example/webhooks/meta/app" in added
    assert "https://onefold.example/webhooks/meta/app/deletion" in added
    shown = onefold("sources", "show", "app")
    token = shown.partition("Verify token")[2].split()[0]
    assert len(token) == 32
    assert "42 bot" in shown
    assert token not in onefold("sources", "list")
    assert "either of 2 secrets" in onefold("sources", "rotate", "app", "--secret-env", "SECOND")
    assert "with 1 secret." in onefold("sources", "rotate", "app", "--drop-old")
    onefold("sources", "disable", "app")
    onefold("sources", "enable", "app")
    onefold("sources", "remove", "app")
    assert "no such source" in onefold("sources", "show", "app", status=1)
    events = asyncio.run(_log(settings))
    assert [event.type.removeprefix("tenant.channel_") for event in events] == [
        "connected",
        "connected",
        "connected",
        "disconnected",
        "connected",
        "disconnected",
    ]
    assert len({event.event_id for event in events}) == 6
    assert [event.data.reason for event in (events[3], events[5])] == ["disabled", "removed"]  # type: ignore[union-attr]


def test_a_website_is_a_source_as_well_and_goes_with_its_write_keys(onefold: Onefold, settings: Settings) -> None:
    onefold("sources", "add", "web", "site", "--tenant", "acme", "--account", "shop")
    assert "needs --account" in onefold("sources", "add", "web", "x", "--tenant", "acme", status=1)
    assert "wk_" in onefold("write-keys", "list")
    onefold("sources", "remove", "site")
    assert "wk_" not in onefold("write-keys", "list")
    events = asyncio.run(_log(settings))
    assert [event.type.removeprefix("tenant.channel_") for event in events] == ["connected", "disconnected"]


def test_a_verify_token_of_one_s_own_is_kept(onefold: Onefold) -> None:
    facts = ("--tenant", "acme", "--secret-env", "FIRST", "--verify-token-env", "TOKEN")
    assert "a token of our own" in onefold("sources", "add", "whatsapp", "wa", *facts)


def test_without_kafka_it_says_so_and_the_same_command_again_completes_it(
    onefold: Onefold, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("sources", "add", "line", "oa", "--tenant", "acme", "--account", "oa1", "--secret-env", "FIRST")
    monkeypatch.setenv("ONEFOLD_KAFKA", "127.0.0.1:1")
    assert "give the same command again" in onefold(*command, status=1)
    assert "oa1" in onefold("sources", "list")
    monkeypatch.setenv("ONEFOLD_KAFKA", settings.kafka_servers)
    onefold(*command)
    onefold(*command)
    events = asyncio.run(_log(settings))
    assert len(events) == 2
    assert events[0].event_id == events[1].event_id


def test_a_secret_that_is_made_up_is_printed_whether_kafka_answers_or_not(
    onefold: Onefold, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEFOLD_KAFKA", "127.0.0.1:1")
    added = onefold("sources", "add", "web", "site", "--tenant", "acme", "--account", "shop")
    assert "wsk_" in added
    rotated = onefold("sources", "rotate", "site")
    assert re.search(r"^[\w-]{43}$", rotated, re.MULTILINE)
    for printed in (added, rotated):
        assert "`onefold sources enable site` says it again" in printed
    monkeypatch.setenv("ONEFOLD_KAFKA", settings.kafka_servers)
    onefold("sources", "enable", "site")
    assert len(asyncio.run(_log(settings))) == 1


def test_what_is_said_wrongly_is_said_to_be(onefold: Onefold) -> None:
    add = ("sources", "add")
    facts = ("--tenant", "acme", "--secret-env", "FIRST")
    assert "not from 'fax'" in onefold(*add, "fax", "x", *facts, status=1)
    assert "APP_ID=PURPOSE" in onefold(*add, "meta", "x", *facts, "--sender", "42", status=1)
    assert "senders" in onefold(*add, "meta", "x", *facts, "--sender", "42=spam", status=1)
    assert "rate" in onefold(*add, "meta", "x", *facts, "--rate", "0", status=1)
    onefold(*add, "meta", "x", *facts)
    assert "already" in onefold(*add, "meta", "x", *facts, "--account", "other", status=1)
    assert "--drop-old" in onefold("sources", "rotate", "x", status=1)
    for command in ("disable", "enable", "remove", "show"):
        assert "no such source" in onefold("sources", command, "nobody", status=1)


def test_under_another_master_key_it_says_that(onefold: Onefold, monkeypatch: pytest.MonkeyPatch) -> None:
    onefold("sources", "add", "meta", "x", "--tenant", "acme", "--secret-env", "FIRST")
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "another")
    assert "ONEFOLD_SECRET_KEY" in onefold("sources", "show", "x", status=1)
