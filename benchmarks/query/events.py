"""Events of a population's contacts, sent at a rate until the process is stopped.

As a process: ``python -m benchmarks.query.events PREFIX CUSTOMERS RATE``.
"""

import asyncio
import sys
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer

from benchmarks.bed import KeyAndValue
from benchmarks.ingest.pace import send_at
from benchmarks.query.population import ACCOUNTS, END_MS, TAGS, TENANT, contact_of
from schemas.topics import CHANNEL_EVENTS, event_key
from services.runtime.settings import Settings

_SECONDS: Final = 3_600.0  # at most
_MIX: Final = (("message.received", 70), ("team.message_sent", 15), ("tag.added", 10), ("attribute.set", 5))
_TYPES: Final = tuple(name for name, _ in _MIX)
_WEIGHTS: Final = tuple(weight for _, weight in _MIX)


def events(customers: int, seed: int) -> Iterator[KeyAndValue]:
    """Events without end, each of any LINE contact; one in seven changes what a search asks for."""
    chance, number = Random(seed), 0
    while True:
        account, uid = ACCOUNTS["line"].choose(chance), contact_of(chance.randrange(customers))
        contact = {"channel": "line", "account": account, "uid": uid}
        (name,) = chance.choices(_TYPES, _WEIGHTS)
        event = {
            "event_id": f"more:{seed}:{number}",
            "tenant": TENANT,
            "contact": contact,
            "type": name,
            "occurred_at": END_MS + number,
            "received_at": END_MS + number,
            "source": "bench",
            "data": _data(chance, name, number),
        }
        yield event_key(TENANT, f"line:{account}:{uid}"), orjson.dumps(event)
        number += 1


def _data(chance: Random, name: str, number: int) -> dict[str, Any]:
    match name:
        case "message.received":
            return {"message_id": f"m{number}", "kind": "text", "text": "請問今天有貨嗎"}
        case "team.message_sent":
            purpose = chance.choice(["conversation", "broadcast"])
            return {"purpose": purpose, "message_id": f"t{number}", "text": "有的 歡迎您來店裡看看"}
        case "tag.added":
            return {"tag": TAGS.choose(chance), "source": "bot"}
        case _:
            return {"key": "points", "value": chance.randrange(5_000), "type": "number"}


async def send(prefix: str, customers: int, rate: float) -> None:
    """Send at a rate, events a second."""
    name, more = CHANNEL_EVENTS.full_name(prefix), events(customers, 2)
    producer = AIOKafkaProducer(bootstrap_servers=Settings().kafka_servers, acks="all", linger_ms=10)
    pending: set[asyncio.Future[Any]] = set()

    def send_one() -> None:
        key, value = next(more)
        task = asyncio.ensure_future(producer.send(name, value=value, key=key))
        pending.add(task)
        task.add_done_callback(pending.discard)

    async with producer:
        await send_at(rate, _SECONDS, send_one)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
