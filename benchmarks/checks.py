"""Checks of identity: evidence is counted once, and every contact is in the customer that a full resolution gives."""

from collections.abc import AsyncIterator
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.bed import reading
from benchmarks.figures import BenchmarkFailed
from projections.engine.connection import Connection
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import EvidenceLog
from schemas.codec import decode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, Topic
from services.runtime.broker import log_ends
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

_ACCOUNTS: Final = f"""
SELECT coalesce(sum(committed), 0)::bigint AS committed, coalesce(sum(duplicates), 0)::bigint AS duplicates,
    coalesce(sum(dead_letters), 0)::bigint AS dead_letters, (SELECT count(*) FROM statements) AS rows
FROM offsets WHERE topic LIKE '%.{IDENTITY_EVIDENCE.name}'
"""


async def require_evidence_balance(connection: Connection, records: int) -> None:
    """Require that each record of evidence was committed or a duplicate, and that each committed one has a row."""
    [found] = await connection.fetch(_ACCOUNTS)
    if (
        found["committed"] + found["duplicates"] != records
        or found["dead_letters"]
        or found["rows"] != found["committed"]
    ):
        raise BenchmarkFailed(f"of {records} records of evidence the counters are {dict(found)}")


async def require_membership(settings: Settings, topic: Topic = CHANNEL_EVENTS) -> None:
    """Require that each contact is in the customer that a full resolution of all events of the topic gives."""
    logs: dict[str, EvidenceLog] = {}
    async for event in _events(settings, topic):
        logs.setdefault(event.tenant, EvidenceLog()).add(event)
    identify, policy = id_of(settings.master_key), Policy(default_region=settings.default_region)
    expected = {
        (tenant, contact): identify(tenant, customer.founder)
        for tenant, log in logs.items()
        for customer in resolve(evidence_in(log), policy).customers
        for contact in customer.contacts
    }
    async with reading(settings) as connection:
        rows = await connection.fetch("SELECT tenant, contact, customer_id FROM members WHERE current")
    found = {(tenant, contact): customer_id for tenant, contact, customer_id in rows}
    # A contact without evidence has no row and is a customer by itself.
    wrong = sum(found.get(who, identify(*who)) != customer_id for who, customer_id in expected.items())
    if wrong or not found.keys() <= expected.keys():
        raise BenchmarkFailed(
            f"of {len(expected):,} contacts {wrong:,} belong to another customer than a full resolution gives"
        )


async def _events(settings: Settings, topic: Topic) -> AsyncIterator[Event]:
    name = topic.full_name(settings.topic_prefix)
    ends = {TopicPartition(name, one): end for one, end in (await log_ends(settings.kafka_servers, name)).items()}
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_servers, enable_auto_commit=False)
    async with consumer:
        consumer.assign([place for place, end in ends.items() if end])
        await consumer.seek_to_beginning()
        left = sum(ends.values())
        while left:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).values():
                left -= len(records)
                for record in records:
                    yield decode(record.value)
