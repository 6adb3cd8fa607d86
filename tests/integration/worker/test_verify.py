"""`onefold verify` finds a wrong row in any table of identity, and wrong customer changes."""

import itertools
from functools import partial
from random import Random

import pytest

from services.verify.main import verify
from tests.support.families import history
from tests.support.identity_events import event
from tests.support.polling import until
from tests.support.worlds import World

pytestmark = pytest.mark.kafka

# A table, how its rows are damaged, and the comparison that must find it.
DAMAGES = (
    ("members", "UPDATE members SET customer_id = contact_id WHERE customer_id <> contact_id", "members"),
    ("onefold.change_sequences", "UPDATE onefold.change_sequences SET seq = seq + 1", "customer-changes"),
    ("customers", "UPDATE customers SET member_id = 'M0'", "customers"),
    ("members", "UPDATE members SET by_claim = NOT by_claim", "members"),
    ("contact_states", "UPDATE contact_states SET founded_at = founded_at + 1", "contact_states"),
    ("holdings", "DELETE FROM holdings WHERE type = 'phone'", "holdings"),
    ("statuses", "DELETE FROM statuses", "statuses"),
    ("contact_references", "UPDATE contact_references SET first_at = first_at + 1", "contact_references"),
    ("pair_decisions", "UPDATE pair_decisions SET verdict = 'undecided' WHERE verdict = 'same'", "pair_decisions"),
    ("canonical_ids", "UPDATE canonical_ids SET canonical = 'M0'", "canonical_ids"),
    ("member_merges", "DELETE FROM member_merges", "member_merges"),
    ("intrinsics", "UPDATE intrinsics SET since = since + 1", "intrinsics"),
    ("erasures", "DELETE FROM erasures", "erasures"),
    ("conflicts", "DELETE FROM conflicts", "conflicts"),
    ("statements", "DELETE FROM statements WHERE type = 'identity.bound'", "statements"),
    (
        "onefold.outbox_positions",
        "UPDATE onefold.outbox_positions SET next_offset = next_offset - 1 WHERE next_offset > 0",
        "customer-changes",
    ),
)


async def test_verify_uses_the_policy_in_force(world: World) -> None:
    events = history(Random(4))
    world.start_worker(chunk_records=50)
    await world.append(*itertools.islice(events, 300))
    policy = event(None, "tenant.policy_set", {"policy": {"types": {"phone": {"claimed": None}}}}, at=1)
    await world.append(policy, *itertools.islice(events, 300))
    for _ in range(3):  # before, while or after it comes into force
        await world.verify_holds()
    await until(partial(_adopted, world, policy.event_id), 240, lambda: world.output)
    await world.append(*itertools.islice(events, 100))
    await world.settle()
    await world.verify_holds()


async def _adopted(world: World, version: str) -> bool:
    async with world.connection() as connection:
        return bool(await connection.fetchval("SELECT state = 'active' FROM resolutions WHERE version = $1", version))


async def test_verify_finds_damaged_rows_of_identity(world: World, subtests: pytest.Subtests) -> None:
    await world.append(*itertools.islice(history(Random(2)), 400))
    worker = world.start_worker()
    await world.settle()
    await worker.stop()
    verdict = await world.verify_holds()
    assert "resolution" in {one.table for one in verdict.tables}
    assert min(one.found for one in verdict.tables if one.table in {"members", "conflicts", "customer-changes"}) > 0
    async with world.connection() as connection:
        for table, statement, found in DAMAGES:
            await connection.execute(f"DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM {table}")
            assert await connection.execute(statement) != "UPDATE 0"
            with subtests.test(statement):
                wrong = {one.table for one in (await verify(world.settings)).tables if one.difference}
                assert found in wrong
            await connection.execute(f"TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept")
        await connection.execute("UPDATE offsets SET duplicates = duplicates + 1 WHERE topic LIKE '%evidence'")
    assert not (await verify(world.settings)).holds
