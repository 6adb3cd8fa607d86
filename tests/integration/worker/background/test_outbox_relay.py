"""The outbox reaches Kafka completely, once, a customer's changes in their order, whatever fails in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from projections.identity import outbox
from projections.identity.outbox import OutboxRow, append_to_outbox
from schemas.changes import CustomerChange, Moved, change_key, decode_change
from schemas.events import Event
from schemas.topics import CUSTOMER_CHANGES
from services.runtime import metrics
from services.runtime.broker import ensure_topics
from services.runtime.cancelling import cancel_all
from services.runtime.database import dedicated_connection
from services.runtime.settings import Settings
from services.worker.agent_spec import Connect
from services.worker.background.outbox_relay import OutboxRelay
from tests.support.identity import Identity
from tests.support.identity_events import T0, bound, claimed
from tests.support.polling import until
from tests.support.streams import consumed, membership
from tests.support.worked_example import ALL

pytestmark = pytest.mark.kafka


_LIMIT = "max.message.bytes"


@contextlib.asynccontextmanager
async def admin_of(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@dataclass
class Outlet:
    """A relay that does nothing until it is run, and what it published."""

    pool: asyncpg.Pool
    connect: Connect
    producer: AIOKafkaProducer
    kafka: str
    topic: str

    def relay(self, every: float = 0.02) -> OutboxRelay:
        return OutboxRelay(self.connect, self.producer, self.topic, self.kafka, every=every, held_for=0.5)

    @contextlib.asynccontextmanager
    async def running(self, every: float = 0.02) -> AsyncIterator[OutboxRelay]:
        relay = self.relay(every)
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            await cancel_all(task)

    async def empty(self) -> None:
        """Wait until nothing is left in the outbox."""
        async with asyncio.timeout(240):
            while await self.pool.fetchval("SELECT count(*) FROM onefold.outbox"):
                await asyncio.sleep(0.02)

    async def published(self) -> list[OutboxRow]:
        """Every record of the topic, partition by partition."""
        return [_row(key, value) for key, value in await self.values()]

    async def values(self) -> list[tuple[bytes, bytes]]:
        """Their keys and values."""
        consumer = AIOKafkaConsumer(self.topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(self.topic, one) for one in consumer.partitions_for_topic(self.topic) or ()]
            ends = await consumer.end_offsets(places)
            found: list[tuple[bytes, bytes]] = []
            async with asyncio.timeout(240):
                while sum(ends.values()) > len(found):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [(record.key, record.value) for record in records]
            return found
        finally:
            await consumer.stop()


def _row(key: bytes, value: bytes) -> OutboxRow:
    change = decode_change(value)
    assert key == change_key(change.tenant, change.customer_id)
    return OutboxRow(change.tenant, change.customer_id, change.seq, change.part, value.decode())


@pytest.fixture
async def outlet(
    kafka: str,
    database_with_read_models: str,
    topic_prefix: str,
    identity: Identity,  # noqa: ARG001 - makes the tables
) -> AsyncIterator[Outlet]:
    await ensure_topics(Settings(kafka=kafka, topic_prefix=topic_prefix, partitions=3))
    topic = CUSTOMER_CHANGES.full_name(topic_prefix)
    async with (
        asyncpg.create_pool(
            database_with_read_models, min_size=1, max_size=4, server_settings={"search_path": "g1"}
        ) as pool,
        AIOKafkaProducer(
            bootstrap_servers=kafka, acks="all", max_request_size=CUSTOMER_CHANGES.largest_record
        ) as producer,
    ):
        yield Outlet(
            pool,
            partial(dedicated_connection, database_with_read_models, schema="g1", silent_for=1.0),
            producer,
            kafka,
            topic,
        )


def history() -> list[Event]:
    """Twenty people who come together, and one who moves between customers again and again."""
    together = [bound(f"web:shop:t{n}", member_id=f"M{n % 20}", at=n) for n in range(60)]
    moves = [claimed("web:shop:moves", member_id=f"M{n}", at=100 + n) for n in range(15)]
    return [*together, *moves]


async def save_one_by_one(identity: Identity, events: Iterable[Event]) -> None:
    for event in events:
        await identity.save(event)


async def test_consumer_of_the_topic_has_the_membership_of_the_tables(identity: Identity, outlet: Outlet) -> None:
    async with outlet.running():
        await save_one_by_one(identity, [*ALL, *history()])
        await outlet.empty()
    assert consumed(await outlet.published()) == membership(await identity.tables())


async def test_changes_sent_but_not_noted_are_not_sent_again(identity: Identity, outlet: Outlet) -> None:
    async with outlet.running():
        await identity.save(*ALL)
        await outlet.empty()
    await save_one_by_one(identity, history())
    for row in (await identity.outbox())[:30]:  # as a relay does that is killed before it can note what it sent
        key = change_key(row.tenant, row.customer_id)
        await outlet.producer.send_and_wait(outlet.topic, value=row.payload.encode(), key=key)
    async with outlet.running():
        await outlet.empty()
    assert consumed(await outlet.published()) == membership(await identity.tables())


def created(customer: int, contacts: list[str], tenant: str = "demo") -> CustomerChange:
    return CustomerChange(
        tenant=tenant,
        customer_id=UUID(int=customer),
        type="created",
        at=T0,
        cause="e1",
        causes=["e1"],
        policy_version="default",
        before=[],
        after=contacts,
        came_from=[Moved(contacts=contacts)],
    )


async def append(identity: Identity, *changes: CustomerChange) -> None:
    for change in changes:  # one commit each, so that a customer may have several
        async with identity.connection.transaction():
            await append_to_outbox(identity.connection, [change])


async def test_a_customer_of_very_many_long_contacts_is_published_in_small_records(
    identity: Identity, outlet: Outlet
) -> None:
    contacts = [f"web:{'s' * 250}:{number:0250d}" for number in range(8_000)]
    await append(identity, created(7, contacts))
    async with outlet.running():
        await outlet.empty()
    published = await outlet.published()
    assert len(published) > 1
    assert max(len(row.payload) for row in published) < 400_000
    assert consumed(published) == {UUID(int=7): contacts}


async def test_parts_that_were_sent_but_not_noted_are_not_sent_again(identity: Identity, outlet: Outlet) -> None:
    async with outlet.running():
        await identity.save(*ALL[:2])
        await outlet.empty()
    contacts = [f"web:shop:{number:0250d}" for number in range(4_000)]
    await append(identity, created(7, contacts))
    first = next(row for row in await identity.outbox() if row.customer_id == UUID(int=7))
    await outlet.producer.send_and_wait(
        outlet.topic, value=first.payload.encode(), key=change_key(first.tenant, first.customer_id)
    )
    async with outlet.running():
        await outlet.empty()
    assert consumed(await outlet.published())[UUID(int=7)] == contacts


@pytest.fixture
async def narrow_outlet(outlet: Outlet, topic_prefix: str) -> Outlet:
    """An outlet of a topic of its own, which takes no large records.

    It is created so: a limit that is set later is applied by the broker a moment after it is acknowledged.
    """
    topic = f"{topic_prefix}.narrow"
    limit = {_LIMIT: "20000"}
    async with admin_of(outlet.kafka) as admin:
        await admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1, topic_configs=limit)])
    return replace(outlet, topic=topic)


async def test_a_record_that_kafka_refuses_holds_up_only_its_customer(
    identity: Identity, narrow_outlet: Outlet
) -> None:
    outlet = narrow_outlet
    large = [f"web:shop:{number:0100d}" for number in range(300)]
    await append(identity, created(1, large), created(1, ["web:shop:later"]))
    await append(identity, created(2, ["web:shop:own"]), created(3, ["web:shop:other"], tenant="other"))
    async with outlet.running():
        await until(partial(_only_customer_1_is_held, outlet), 240, "the other customers' changes were not sent")
        async with admin_of(outlet.kafka) as admin:
            limit = {_LIMIT: str(CUSTOMER_CHANGES.largest_record)}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, outlet.topic, limit)])
        await outlet.empty()
    sent = [(row.customer_id.int, row.seq) for row in await outlet.published()]
    assert sorted(sent) == [(1, 1), (1, 2), (2, 1), (3, 1)]
    assert sent.index((1, 1)) < sent.index((1, 2))


async def _only_customer_1_is_held(outlet: Outlet) -> bool:
    waiting = await outlet.pool.fetch("SELECT customer_id FROM onefold.outbox")
    return [row["customer_id"].int for row in waiting] == [1, 1] and metrics.CHANGES_HELD._value.get() == 1


async def test_tenants_take_turns(identity: Identity) -> None:
    await append(identity, *(created(number, [f"web:shop:c{number}"], tenant="flood") for number in range(1_200)))
    await append(identity, created(1, ["web:shop:c1"], tenant="quiet"), created(2, ["web:shop:c2"], tenant="quiet"))
    batch = await outbox.next_batch(identity.connection)
    assert [one.tenant for one in batch[:4]] == ["flood", "quiet", "flood", "quiet"]
    assert [one.customer_id.int for one in batch if one.tenant == "flood"] == list(range(500))


async def test_a_batch_has_one_record_of_a_customer_and_few_bytes(identity: Identity) -> None:
    for number in range(3):
        contacts = [f"web:{'s' * 250}:{number}{one:0249d}" for one in range(60_000 // (number + 1))]
        await append(identity, created(number, contacts))
    batch = await outbox.next_batch(identity.connection)
    assert [(one.customer_id.int, one.seq, one.part) for one in batch] == [(0, 1, 1), (1, 1, 1), (2, 1, 1)]


async def test_the_age_of_the_oldest_change_is_known(identity: Identity) -> None:
    assert await outbox.oldest_age(identity.connection) == 0
    await append(identity, created(1, ["web:shop:c1"]))
    await identity.connection.execute("UPDATE onefold.outbox SET stored_at = now() - interval '90 seconds'")
    await append(identity, created(2, ["web:shop:c2"], tenant="a"))
    assert 90 <= await outbox.oldest_age(identity.connection) < 900


async def test_two_relays_do_the_work_of_one(identity: Identity, outlet: Outlet) -> None:
    async with outlet.running(), outlet.running():
        await save_one_by_one(identity, history())
        await outlet.empty()
    assert consumed(await outlet.published()) == membership(await identity.tables())


async def test_relay_continues_where_the_previous_one_stopped(identity: Identity, outlet: Outlet) -> None:
    events = history()
    for start in range(0, len(events), 5):
        async with outlet.running():
            await save_one_by_one(identity, events[start : start + 5])
    async with outlet.running():
        await outlet.empty()
    assert consumed(await outlet.published()) == membership(await identity.tables())


async def test_a_woken_relay_does_not_wait_for_its_next_poll(
    identity: Identity, outlet: Outlet, database_with_read_models: str
) -> None:
    patient = replace(
        outlet, connect=partial(dedicated_connection, database_with_read_models, schema="g1", silent_for=600)
    )
    async with patient.running(every=600) as relay:
        await identity.save(*ALL[:2])
        relay.wake()
        await outlet.empty()
        await identity.save(*ALL)
        relay.wake()
        await outlet.empty()


async def test_lock_of_a_silent_relay_goes_to_another(identity: Identity, outlet: Outlet) -> None:
    await save_one_by_one(identity, history())
    async with outlet.connect() as held:  # as if its worker were stopped, or its machine gone
        assert await outbox.lock(held)
        async with outlet.running():
            await outlet.empty()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await held.execute("SELECT 1")
    assert consumed(await outlet.published()) == membership(await identity.tables())


async def test_foreign_records_on_the_topic_are_skipped(identity: Identity, outlet: Outlet) -> None:
    async with outlet.running():
        await identity.save(*ALL)
        await outlet.empty()
    await outlet.producer.send_and_wait(outlet.topic, value=b"no change", key=b"k", partition=0)
    await save_one_by_one(identity, history())
    async with outlet.running():
        await outlet.empty()
    assert await outlet.pool.fetchval("SELECT sum(next_offset) FROM onefold.outbox_positions") == len(
        await outlet.values()
    )


async def test_unexpected_errors_end_the_relay(identity: Identity, outlet: Outlet) -> None:
    await identity.save(*ALL)
    await outlet.pool.execute("ALTER TABLE onefold.outbox RENAME TO gone")
    with pytest.raises(asyncpg.UndefinedTableError):
        await outlet.relay().run()
