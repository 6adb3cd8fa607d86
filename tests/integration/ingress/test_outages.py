"""Kafka or PostgreSQL away: a clear 503 in time, nothing acknowledged that is not there, and back by itself."""

import asyncio

import pytest

from services.ingress.adapters.log import KafkaLog
from services.ingress.ports import LogFull, Record
from services.runtime.broker import ensure_topics
from services.runtime.budget import Budget
from tests.support.contact_records import event
from tests.support.ingress import (
    RunningIngress,
    an_event,
    assert_problem,
    deletion_form,
    line_signature,
    line_webhook,
    meta_message,
    meta_signature,
    running_ingress,
    settings_for,
)
from tests.support.servers import OwnKafka, OwnPostgres

WITHIN = 60.0  # only so that nothing waits for ever: LINE's two seconds are for `make bench`
ACK_TIMEOUT = 1.0  # the default leaves half a second, which a busy machine may need


async def _is_away(ingress: RunningIngress) -> None:
    """Every ingress answers 503 in time, and says when to come back."""
    body = line_webhook("hi")
    message = meta_message("facebook")
    for sent in (
        ingress.post(an_event()),
        ingress.line(body, line_signature(body)),
        ingress.meta(message, meta_signature(message)),
        ingress.client.post("/webhooks/meta/shop-meta/deletion", data=deletion_form("1234567890")),
    ):
        async with asyncio.timeout(WITHIN):
            answer = await sent
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"].isdecimal()


async def _sent_again(ingress: RunningIngress, event_id: str) -> None:
    """Send one event as a producer does that was told to try again."""
    async with asyncio.timeout(240):
        while (await ingress.post(an_event(event_id))).status_code != 202:
            await asyncio.sleep(0.2)


@pytest.mark.kafka
async def test_while_kafka_is_away_at_the_start_or_later_nothing_is_accepted_and_then_all_is_well(
    own_kafka: OwnKafka, database: str, topic_prefix: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    await ensure_topics(settings)
    await own_kafka.stop()
    async with running_ingress(settings) as ingress:
        await _is_away(ingress)
        await own_kafka.start()
        await _sent_again(ingress, "before")
        await own_kafka.kill()
        await _is_away(ingress)
        assert (await ingress.client.get("/readyz")).status_code == 503
        assert (await ingress.client.get("/healthz")).status_code == 200
        await own_kafka.start()
        await _sent_again(ingress, "after")
        await ingress.ready()
        assert {"before", "after"} <= {event.event_id for _, event in await ingress.log()}
        assert "\nonefold_ingress_bytes 0.0\n" in (await ingress.client.get("/metrics")).text


@pytest.mark.kafka
async def test_a_connection_that_acknowledges_nothing_for_long_is_replaced(
    own_kafka: OwnKafka, database: str, topic_prefix: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    await ensure_topics(settings)
    async with running_ingress(settings, replace_after=0.5) as ingress:
        await ingress.ready()
        first = ingress.app.state.ingress.log._producer
        await own_kafka.kill()
        for _ in range(3):
            assert_problem(await ingress.post(an_event("lost?")), 503, "unavailable")
        assert_problem(await ingress.post(an_event("lost?")), 503, "unavailable")
        await own_kafka.start()
        await _sent_again(ingress, "after")
        assert ingress.app.state.ingress.log._producer is not first
        assert "after" in {event.event_id for _, event in await ingress.log()}
        assert ingress.app.state.ingress.budget.used == 0


async def test_a_topic_that_is_not_there_is_a_kafka_that_is_away(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix, ack_timeout=ACK_TIMEOUT)
    async with running_ingress(settings) as ingress:
        await _is_away(ingress)
        await ensure_topics(ingress.settings)
        await _sent_again(ingress, "after")


async def test_webhooks_go_on_while_postgresql_is_away(
    kafka: str, own_postgres: OwnPostgres, topic_prefix: str
) -> None:
    settings = settings_for(kafka, own_postgres.url, topic_prefix)
    await ensure_topics(settings)
    async with running_ingress(settings) as ingress:
        await ingress.ready()
        body = line_webhook("hi")
        assert (await ingress.line(body, line_signature(body))).status_code == 200
        assert (await ingress.post(an_event())).status_code == 202
        await own_postgres.kill()
        ingress.clock.forward(2.5)  # longer than an answer is fresh
        for _ in range(3):
            assert (await ingress.line(body, line_signature(body))).status_code == 200
            assert (await ingress.post(an_event())).status_code == 202
        assert_problem(await ingress.post(an_event(), key="of_never_seen"), 503, "unavailable")
        assert_problem(await ingress.line(body, line_signature(body), "never-seen"), 503, "unavailable")
        await own_postgres.start()
        await ingress.ready()
        assert_problem(await ingress.post(an_event(), key="of_seen_by_nobody"), 401, "unauthenticated")


async def test_what_kafka_may_still_acknowledge_is_bounded(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix)
    await ensure_topics(settings)
    budget = Budget(200_000)
    records = [Record(b"k", b"x" * 100_000, event("contact.blocked"))]
    async with KafkaLog(settings, budget) as log:
        async with asyncio.timeout(240):
            while log._producer is None:
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
    async with running_ingress(settings) as ingress:
        await ingress.ready()
        budget = ingress.app.state.ingress.budget
        with budget.lease() as lease:
            lease.grow(1_000_000_000)  # one lease is always granted, however large
            assert_problem(await ingress.post(an_event()), 503, "unavailable")
        assert (await ingress.post(an_event())).status_code == 202
