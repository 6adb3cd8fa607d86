"""The transactional outbox: changes of customers, numbered and stored with the rows they describe, until published."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.metadata import key_columns
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns, delete_matching
from projections.identity.tables import CHANGE_SEQUENCES, OUTBOX, OUTBOX_POSITIONS, OutboxRow
from schemas.changes import CustomerChange, encode_change

_MOST_COUNTED: Final = 100_000


def _next_numbers() -> str:
    given = unnested("given", key_columns(CHANGE_SEQUENCES))
    first = sa.select(given.c.tenant, given.c.customer_id, sa.literal(1))
    insert = postgresql.insert(CHANGE_SEQUENCES).from_select(["tenant", "customer_id", "seq"], first)
    upsert = insert.on_conflict_do_update(
        index_elements=key_columns(CHANGE_SEQUENCES), set_={"seq": CHANGE_SEQUENCES.c.seq + 1}
    )
    return compiled(upsert.returning(*CHANGE_SEQUENCES.c), "tenant", "customer_id")


def _save_positions() -> str:
    given = unnested("given", [OUTBOX_POSITIONS.c.partition, OUTBOX_POSITIONS.c.next_offset])
    rows = sa.select(sa.bindparam("topic", type_=sa.Text()), given.c.partition, given.c.next_offset)
    insert = postgresql.insert(OUTBOX_POSITIONS).from_select(["topic", "partition", "next_offset"], rows)
    later = sa.func.greatest(OUTBOX_POSITIONS.c.next_offset, insert.excluded.next_offset)
    upsert = insert.on_conflict_do_update(index_elements=key_columns(OUTBOX_POSITIONS), set_={"next_offset": later})
    return compiled(upsert, "topic", "partition", "next_offset")


_NEXT_NUMBERS: Final = _next_numbers()
_OLDEST: Final = compiled(
    sa.select(OUTBOX.c.id, OUTBOX.c.tenant, OUTBOX.c.customer_id, OUTBOX.c.seq, OUTBOX.c.payload)
    .order_by(OUTBOX.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer())),
    "most",
)
_DELETE: Final = delete_matching(OUTBOX, *key_columns(OUTBOX))
_POSITIONS: Final = compiled(
    sa.select(OUTBOX_POSITIONS.c.partition, OUTBOX_POSITIONS.c.next_offset).where(
        OUTBOX_POSITIONS.c.topic == sa.bindparam("topic")
    ),
    "topic",
)
_SAVE_POSITIONS: Final = _save_positions()
_LOCK: Final = compiled(
    sa.select(
        sa.func.pg_try_advisory_lock(sa.func.hashtext("onefold.changes"), sa.func.hashtext(sa.func.current_schema()))
    )
)
_WAITING: Final = compiled(
    sa.select(sa.func.count()).select_from(sa.select(OUTBOX.c.id).limit(_MOST_COUNTED).subquery("some"))
)


class Unsent(NamedTuple):
    """A row of the outbox; ``id`` is its place in the order of commits."""

    id: int
    tenant: str
    customer_id: UUID
    seq: int
    payload: str

    @property
    def key(self) -> "ChangeKey":
        """What identifies the change."""
        return (self.tenant, self.customer_id, self.seq)


ChangeKey = tuple[str, UUID, int]  # (tenant, customer_id, seq)


async def append_to_outbox(connection: Connection, changes: Collection[CustomerChange]) -> None:
    """Number the changes, each after its customer's last one, and put them into the outbox."""
    if changes:
        customers = columns((one.tenant, one.customer_id) for one in changes)
        found = await connection.fetch(_NEXT_NUMBERS, *customers)
        numbers = {(tenant, customer_id): seq for tenant, customer_id, seq in found}
        rows = [outbox_row(one, numbers[one.tenant, one.customer_id]) for one in changes]
        await connection.copy_records_to_table(OUTBOX.name, records=rows, columns=OutboxRow._fields)


def outbox_row(change: CustomerChange, seq: int) -> OutboxRow:
    """The change, with its number, as a row of the outbox."""
    payload = encode_change(change.model_copy(update={"seq": seq})).decode()
    return OutboxRow(change.tenant, change.customer_id, seq, payload)


async def lock(connection: Connection) -> bool:
    """Try to become the only relay of this schema, for as long as the connection lasts."""
    return bool(await connection.fetchval(_LOCK))


async def oldest(connection: Connection, most: int) -> list[Unsent]:
    """The first changes of the outbox, in the order of commits."""
    return [Unsent(*row) for row in await connection.fetch(_OLDEST, most)]


async def waiting(connection: Connection) -> int:
    """How many changes are in the outbox, counted up to 100,000."""
    return int(await connection.fetchval(_WAITING))


async def positions(connection: Connection, topic: str) -> dict[int, int]:
    """The offset of each partition before which every change was removed from the outbox."""
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(_POSITIONS, topic)}


async def remove(connection: Connection, published: Collection[ChangeKey], topic: str, ends: Mapping[int, int]) -> None:
    """Remove published changes, and note the offsets of the topic before which all are removed, in one transaction."""
    async with connection.transaction():
        if published:
            await connection.execute(_DELETE, *columns(published))
        await connection.execute(_SAVE_POSITIONS, topic, list(ends), list(ends.values()))
