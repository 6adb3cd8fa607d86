"""The tables say what the dictionaries say, and the core of everything at once."""

import asyncio
from random import Random
from typing import Any

import pytest

from projections.identity.resolution.policy import Policy
from projections.identity.tables import CONFLICTS, CUSTOMERS, MEMBERS
from tests.support.histories import cut, random_history
from tests.support.identity import Identity
from tests.support.memory import fold
from tests.support.streams import by_stream, by_tables, consumed, content

TIGHT: dict[str, Any] = {
    "types": {"phone": {"limit": 2}, "contact": {"limit": 2}, "email": {"limit": 1}},
    "shared_device_limit": 2,
}


@pytest.mark.parametrize("seed", range(40))
async def test_tables_come_to_what_the_core_says(identity: Identity, seed: int) -> None:
    chance = Random(seed)
    policy = Policy.from_json(chance.choice([{}, TIGHT]))
    events = random_history(chance, chance.randint(10, 80))
    chunks = cut(events, chance)
    for chunk in chunks:
        await identity.save(*chunk, policy=policy)
    memory = await asyncio.to_thread(fold, chunks, policy)
    tables = await identity.content()
    assert content(tables) == content(memory.tables_of_rows())
    members = await identity.rows(MEMBERS)
    customers = {row.customer_id: row.member_id for row in await identity.rows(CUSTOMERS)}
    assert by_tables(members, customers, await identity.rows(CONFLICTS)) == by_stream(events, policy)
    held: dict[object, list[str]] = {}
    for row in sorted(members, key=lambda row: str(row.contact)):
        held.setdefault(row.customer_id, []).append(row.contact)
    assert consumed(await identity.outbox()) == held
