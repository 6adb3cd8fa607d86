"""The tables in PostgreSQL hold the rows of the in-memory twin, which are those of all events at once."""

from random import Random

import pytest

from projections.identity.reference import resolve_log
from tests.support.histories import cut, random_history, random_policy
from tests.support.identity import Identity
from tests.support.identity_memory import Memory
from tests.support.rounds import rounds
from tests.support.streams import by_log, by_tables, consumed, content, id_of, membership, policies_for


@pytest.mark.repeated
@pytest.mark.parametrize("seed", range(rounds(12)))
async def test_tables_come_to_what_the_rules_give(identity: Identity, seed: int) -> None:
    chance = Random(seed)
    policy = random_policy(chance)
    events = random_history(chance, chance.randint(10, 80))
    memory = Memory(policy)
    for chunk in cut(events, chance):
        await identity.save(*chunk, policy=policy)
        memory.fold(chunk)
    tables = await identity.tables()
    assert content(tables) == content(memory.tables)
    assert content(tables) == content(resolve_log(events, policies_for(["demo"], policy), id_of))
    assert by_tables(tables) == by_log(events, policy)
    assert consumed(await identity.outbox()) == membership(tables)


@pytest.mark.repeated
@pytest.mark.parametrize("seed", range(rounds(3)))
async def test_tenants_side_by_side_come_to_what_each_comes_to_alone(identity: Identity, seed: int) -> None:
    chance = Random(seed)
    policy = random_policy(chance)
    events = {tenant: random_history(chance, 40) for tenant in ("demo", "other", "third")}
    together = [one.model_copy(update={"tenant": tenant}) for tenant, of_tenant in events.items() for one in of_tenant]
    for chunk in cut(together, chance):
        await identity.save(*chunk, policy=policy)
    tables = await identity.tables()
    assert content(tables) == content(resolve_log(together, policies_for(events, policy), id_of))
    for tenant in events:
        of_tenant = {
            table: {key: row for key, row in rows.items() if key[0] == tenant} for table, rows in tables.items()
        }
        assert by_tables(of_tenant) == by_log(together, policy, tenant)
