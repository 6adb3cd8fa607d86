"""The outbox of a generation that older code made goes over to the one that all generations share."""

from uuid import UUID

import pytest

from projections.identity.outbox import all_positions, sequences, stored_changes
from projections.identity.store.generations import adopt_outbox
from tests.support.identity import Identity

_OLDER = """
CREATE TABLE g1.change_sequences (tenant text, customer_id uuid, seq bigint, PRIMARY KEY (tenant, customer_id));
CREATE TABLE g1.outbox (tenant text, customer_id uuid, seq bigint, part integer, payload text,
    id bigint GENERATED ALWAYS AS IDENTITY, stored_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE g1.outbox_positions (topic text, partition integer, next_offset bigint);
INSERT INTO g1.change_sequences VALUES ('demo', '00000000-0000-0000-0000-000000000001', 3);
INSERT INTO g1.outbox (tenant, customer_id, seq, part, payload)
    SELECT 'demo', '00000000-0000-0000-0000-000000000001', seq, 1, '{}' FROM generate_series(2, 3) AS seq;
INSERT INTO g1.outbox_positions VALUES ('changes', 0, 7);
"""


@pytest.mark.parametrize("without", ["SELECT", "ALTER TABLE g1.outbox DROP COLUMN part, DROP COLUMN stored_at"])
async def test_an_older_outbox_is_adopted_once(identity: Identity, without: str) -> None:
    customer = UUID(int=1)
    await identity.connection.execute(_OLDER)
    await identity.connection.execute(without)
    for _ in range(2):
        async with identity.connection.transaction():
            await adopt_outbox(identity.connection, "g1", "")
            assert [tuple(row) async for row in sequences(identity.connection)] == [("demo", customer, 3)]
            stored = [row[:4] async for row in stored_changes(identity.connection)]
        assert stored == [("demo", customer, 2, 1), ("demo", customer, 3, 1)]
        assert await all_positions(identity.connection) == [("changes", 0, 7)]
    assert await identity.connection.fetchval("SELECT to_regclass('g1.outbox')") is None
