"""Kafka or PostgreSQL away: a clear 503 in time, nothing acknowledged that is not there, and back by itself."""

import asyncio
from time import perf_counter

import pytest

from services.ingress.adapters.log import KafkaLog
from services.ingress.ports import LogFull, Record
from services.runtime.broker import ensure_topics
from services.runtime.budget import Budget
from tests.integration.ingress.conftest import (
    Door,
    a_webhook,
    an_event,
    meta_signed,
    open_door,
    settings_for,
    signed,
)
from tests.integration.ingress.test_deletion import a_request
from tests.integration.ingress.test_events import is_problem
from tests.integration.ingress.test_meta import a_message
from tests.support.servers import OwnKafka, OwnPostgres

WITHIN = 2.0
ACK_TIMEOUT = 1.0  # the default leaves half a second, which a busy machine may need


async def _is_away(door: Door) -> None:
    """Every door answers 503 in time, and says when to come back."""
    body = a_webhook("hi")
    message = a_message("facebook")
    for sent in (
        door.post(an_event()),
        door.line(body, signed(body)),
        door.meta(message, meta_signed(message)),
        door.client.post("/webhooks/meta/shop-meta/deletion", data=a_request("1234567890")),
    ):
        began = perf_counter()
        answer = await sent
        assert perf_counter() - began < WITHIN
        is_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"].isdecimal()


async def _sent_again(door: Door, event_id: str) -> None:
    """Send one event as a producer does that was told to try again."""
    async with asyncio.timeout(30):
        while (await door.post(an_event(event_id))).status_code != 202:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.2)


@pytest.mark.kafka
@pytest.mark.timeout("180")
async def test_while_kafka_is_away_nothing_is_accepted_and_then_all_is_well(
    own_kafka: OwnKafka, database: str, topic_prefix: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    await ensure_topics(settings)
    async with open_door(settings) as door:
        await door.ready()
        await _sent_again(door, "before")
        await own_kafka.kill()
        await _is_away(door)
        assert (await door.client.get("/readyz")).status_code == 503
        assert (await door.client.get("/healthz")).status_code == 200
        await own_kafka.start()
        await _sent_again(door, "after")
        await door.ready()
        assert {"before", "after"} <= {event.event_id for _, event in await door.log()}
        assert "\nonefold_ingress_bytes 0.0\n" in (await door.client.get("/metrics")).text


@pytest.mark.kafka
@pytest.mark.timeout("180")
async def test_a_connection_that_acknowledges_nothing_for_long_is_replaced(
    own_kafka: OwnKafka, database: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingress.adapters.log._REPLACE_AFTER", 0.5)
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    await ensure_topics(settings)
    async with open_door(settings) as door:
        await door.ready()
        first = door.app.state.ingress.log._producer
        await own_kafka.kill()
        for _ in range(3):
            is_problem(await door.post(an_event("lost?")), 503, "unavailable")
        began = perf_counter()
        is_problem(await door.post(an_event("lost?")), 503, "unavailable")
        assert perf_counter() - began < ACK_TIMEOUT / 2, "without a connection there is nothing to wait for"
        await own_kafka.start()
        await _sent_again(door, "after")
        assert door.app.state.ingress.log._producer is not first
        assert "after" in {event.event_id for _, event in await door.log()}
        assert door.app.state.ingress.budget.used == 0


@pytest.mark.kafka
@pytest.mark.timeout("180")
async def test_ingress_comes_up_before_kafka_does(own_kafka: OwnKafka, database: str, topic_prefix: str) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    await ensure_topics(settings)
    await own_kafka.stop()
    async with open_door(settings) as door:
        await _is_away(door)
        await own_kafka.start()
        await _sent_again(door, "after")


async def test_a_topic_that_is_not_there_is_a_kafka_that_is_away(kafka: str, database: str, topic_prefix: str) -> None:
    async with open_door(settings_for(kafka, database, topic_prefix)) as door:
        await _is_away(door)
        await ensure_topics(door.settings)
        await _sent_again(door, "after")


@pytest.mark.timeout("180")
async def test_webhooks_go_on_while_postgresql_is_away(
    kafka: str, own_postgres: OwnPostgres, topic_prefix: str
) -> None:
    settings = settings_for(kafka, own_postgres.url, topic_prefix)
    await ensure_topics(settings)
    async with open_door(settings) as door:
        await door.ready()
        body = a_webhook("hi")
        assert (await door.line(body, signed(body))).status_code == 200
        assert (await door.post(an_event())).status_code == 202
        await own_postgres.kill()
        await asyncio.sleep(2.5)  # longer than an answer is fresh
        for _ in range(3):
            assert (await door.line(body, signed(body))).status_code == 200
            assert (await door.post(an_event())).status_code == 202
        is_problem(await door.post(an_event(), key="of_never_seen"), 503, "unavailable")
        is_problem(await door.line(body, signed(body), "never-seen"), 503, "unavailable")
        await own_postgres.start()
        await door.ready()
        is_problem(await door.post(an_event(), key="of_seen_by_nobody"), 401, "unauthenticated")


async def test_what_kafka_may_still_acknowledge_is_bounded(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix)
    await ensure_topics(settings)
    budget = Budget(200_000)
    records = [Record(b"k", b"x" * 100_000)]
    async with KafkaLog(settings, budget) as log:
        async with asyncio.timeout(20):
            while log._producer is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        first = asyncio.create_task(log.append(records))
        await asyncio.sleep(0)
        with pytest.raises(LogFull):
            await log.append(records)
        await first
        assert budget.used == 0
        await log.append(records)


async def test_a_budget_that_is_spent_is_a_503(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix)
    await ensure_topics(settings)
    async with open_door(settings) as door:
        await door.ready()
        budget = door.app.state.ingress.budget
        with budget.lease() as lease:
            lease.grow(budget._most)
            is_problem(await door.post(an_event()), 503, "unavailable")
        assert (await door.post(an_event())).status_code == 202
