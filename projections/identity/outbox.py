"""The transactional outbox: changes of customers, numbered and stored with the rows they describe, until published.

It is in the control schema: the numbers of a customer's changes go on when another generation becomes the active one.
Generations that take each other's place share a topic of changes, named by its suffix, and only the active one of them
appends: the others fold the same events later, or sooner. Each statement here is about the topic of the generation
whose schema the connection uses.

``change_sequences`` counts each customer's changes; ``outbox`` has the changes that are not in the topic yet, in the
order of ``id``; ``outbox_positions`` says how far the topic is known to have them. What is about a tenant's quota is
numbered and sent in the same way, under the nil UUID in the place of a customer.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.generations import changes_suffix
from projections.engine.metadata import key_columns
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns
from projections.identity.keys import CustomerKey
from projections.migrations.tables import CHANGE_SEQUENCES, OUTBOX, OUTBOX_POSITIONS, SCHEMA
from schemas.changes import CustomerChange, change_in, encode_change, in_parts
from schemas.quota_changes import NO_CUSTOMER, QuotaCrossed, crossing_in, encode_crossing

_MOST_COUNTED: Final = 100_000
_BATCH: Final = 1000
_BATCH_BYTES: Final = 16_777_216
_LEAST_SHARE: Final = 10  # rows of one tenant that are looked at for a batch
_PREFETCH: Final = 5000  # rows
_SUFFIX: Final = changes_suffix().scalar_subquery()
_OF_TOPIC: Final = OUTBOX.c.changes_suffix == _SUFFIX
_KEY: Final = (OUTBOX.c.tenant, OUTBOX.c.customer_id, OUTBOX.c.seq, OUTBOX.c.part)


class ChangeSequenceRow(NamedTuple):
    """How many changes of a customer there were: the latest one's ``seq``."""

    tenant: str
    customer_id: UUID
    seq: int


class OutboxRow(NamedTuple):
    """A change to be sent, or a part of one, as JSON; ``seq`` counts a customer's changes from 1."""

    tenant: str
    customer_id: UUID
    seq: int
    part: int
    payload: str


def _next_numbers() -> str:
    """Counts a change of each customer, if the connection's generation is the active one; else nothing."""
    key = key_columns(CHANGE_SEQUENCES)
    given = unnested("given", key[1:])
    active = changes_suffix(only_active=True).cte("active")
    first = sa.select(active.c.changes_suffix, given.c.tenant, given.c.customer_id, sa.literal(1)).select_from(
        active.join(given, sa.true())
    )
    insert = postgresql.insert(CHANGE_SEQUENCES).from_select([*(one.name for one in key), "seq"], first)
    upsert = insert.on_conflict_do_update(index_elements=key, set_={"seq": CHANGE_SEQUENCES.c.seq + 1})
    return compiled(upsert.returning(*CHANGE_SEQUENCES.c), "tenant", "customer_id")


def _save_positions() -> str:
    given = unnested("given", [OUTBOX_POSITIONS.c.partition, OUTBOX_POSITIONS.c.next_offset])
    rows = sa.select(sa.bindparam("topic", type_=sa.Text()), given.c.partition, given.c.next_offset)
    insert = postgresql.insert(OUTBOX_POSITIONS).from_select(["topic", "partition", "next_offset"], rows)
    later = sa.func.greatest(OUTBOX_POSITIONS.c.next_offset, insert.excluded.next_offset)
    upsert = insert.on_conflict_do_update(index_elements=key_columns(OUTBOX_POSITIONS), set_={"next_offset": later})
    return compiled(upsert, "topic", "partition", "next_offset")


def _delete() -> str:
    given = unnested("given", _KEY)
    same = (column == given.c[column.name] for column in _KEY)
    return compiled(sa.delete(OUTBOX).where(_OF_TOPIC, *same), *given.c.keys())


def _tenants() -> sa.CTE:
    """The tenants that have changes in the outbox: each is found by one step in the index of tenants."""
    least = sa.select(sa.func.min(OUTBOX.c.tenant).label("tenant")).where(_OF_TOPIC).cte("tenants", recursive=True)
    after = (_OF_TOPIC, OUTBOX.c.tenant > least.c.tenant)
    following = sa.select(sa.func.min(OUTBOX.c.tenant)).where(*after).scalar_subquery()
    return least.union_all(sa.select(following).where(least.c.tenant.is_not(None)))


def _next_batch() -> str:
    """Selects each customer's first row. Tenants take turns, and none has more than its share of what is looked at."""
    tenants, held = _tenants(), unnested("held", [OUTBOX.c.tenant, OUTBOX.c.customer_id])
    waiting = sa.select(sa.func.count(tenants.c.tenant)).scalar_subquery()
    share = sa.func.greatest(_LEAST_SHARE, _BATCH // sa.func.greatest(waiting, 1))
    is_held = sa.exists().where(held.c.tenant == OUTBOX.c.tenant, held.c.customer_id == OUTBOX.c.customer_id)
    own = sa.select(*OUTBOX.c).where(_OF_TOPIC, OUTBOX.c.tenant == tenants.c.tenant, ~is_held)
    seen = own.order_by(OUTBOX.c.id).limit(share).lateral("seen")
    of_customer = sa.func.row_number().over(partition_by=[seen.c.tenant, seen.c.customer_id], order_by=seen.c.id)
    ranked = sa.select(*seen.c, of_customer.label("of_customer")).select_from(tenants.join(seen, sa.true()))
    first = ranked.subquery("ranked")
    turn = sa.func.row_number().over(partition_by=first.c.tenant, order_by=first.c.id)
    in_turns = sa.select(*first.c, turn.label("turn")).where(first.c.of_customer == 1).subquery("in_turns")
    in_order = [in_turns.c.turn, in_turns.c.id]
    size = sa.func.sum(sa.func.octet_length(in_turns.c.payload)).over(order_by=in_order)
    sized = sa.select(*in_turns.c, size.label("size"), sa.func.row_number().over(order_by=in_order).label("place"))
    batch = sized.subquery("batch")
    fits = sa.and_(batch.c.place <= _BATCH, sa.or_(batch.c.place == 1, batch.c.size <= _BATCH_BYTES))
    columns = [batch.c[name] for name in Unsent._fields]
    return compiled(sa.select(*columns).where(fits).order_by(batch.c.place), "tenant", "customer_id")


def _oldest_age() -> str:
    tenants = _tenants()
    head = sa.select(OUTBOX.c.stored_at).where(_OF_TOPIC, OUTBOX.c.tenant == tenants.c.tenant)
    first = head.order_by(OUTBOX.c.id).limit(1).lateral("head")
    age = sa.extract("epoch", sa.func.clock_timestamp() - sa.func.min(first.c.stored_at))
    return compiled(sa.select(sa.func.coalesce(age, 0)).select_from(tenants.join(first, sa.true())))


_STORED: Final = compiled(sa.select(*_KEY, OUTBOX.c.payload).where(_OF_TOPIC).order_by(OUTBOX.c.id))
_SEQUENCES: Final = compiled(
    sa.select(CHANGE_SEQUENCES.c.tenant, CHANGE_SEQUENCES.c.customer_id, CHANGE_SEQUENCES.c.seq).where(
        CHANGE_SEQUENCES.c.changes_suffix == _SUFFIX
    )
)


class Unsent(NamedTuple):
    """A row of the outbox; ``id`` is its place in the order of commits."""

    id: int
    tenant: str
    customer_id: UUID
    seq: int
    part: int
    payload: str

    @property
    def customer(self) -> CustomerKey:
        """Whose change it is."""
        return (self.tenant, self.customer_id)

    @property
    def key(self) -> "ChangeKey":
        """What identifies the row."""
        return (self.tenant, self.customer_id, self.seq, self.part)


ChangeKey = tuple[str, UUID, int, int]  # (tenant, customer_id, seq, part)
RowsOf = Callable[[int], list[OutboxRow]]  # the rows of a change, given its number

_NEXT_NUMBERS: Final = _next_numbers()
_NEXT_BATCH: Final = _next_batch()
_OLDEST_AGE: Final = _oldest_age()
_DELETE: Final = _delete()
_POSITIONS: Final = compiled(
    sa.select(OUTBOX_POSITIONS.c.partition, OUTBOX_POSITIONS.c.next_offset).where(
        OUTBOX_POSITIONS.c.topic == sa.bindparam("topic")
    ),
    "topic",
)
_ALL_POSITIONS: Final = compiled(
    sa.select(OUTBOX_POSITIONS.c.topic, OUTBOX_POSITIONS.c.partition, OUTBOX_POSITIONS.c.next_offset)
)
_SAVE_POSITIONS: Final = _save_positions()
_LOCK: Final = compiled(
    sa.select(
        sa.func.pg_try_advisory_lock(
            sa.func.hashtext("onefold.changes"), sa.func.hashtext(changes_suffix(only_active=True).scalar_subquery())
        )
    ).where(sa.exists(changes_suffix(only_active=True)))
)
_UNLOCK: Final = compiled(
    sa.select(sa.func.pg_advisory_unlock(sa.func.hashtext("onefold.changes"), sa.func.hashtext(_SUFFIX)))
)
_IS_ACTIVE: Final = compiled(sa.select(sa.exists(changes_suffix(only_active=True))))
_WAITING: Final = compiled(
    sa.select(sa.func.count()).select_from(
        sa.select(OUTBOX.c.id).where(_OF_TOPIC).limit(_MOST_COUNTED).subquery("some")
    )
)


async def append_to_outbox(connection: Connection, changes: Collection[CustomerChange]) -> None:
    """Number the changes, each after its customer's last one, and put them into the outbox.

    Nothing is appended while the connection's generation is not the active one. The transaction must have begun with
    `projections.engine.generations.share`, so that this does not change before it ends.
    """
    await _append(connection, [((one.tenant, one.customer_id), partial(outbox_rows, one)) for one in changes])


async def append_crossings(connection: Connection, crossings: Collection[QuotaCrossed]) -> None:
    """The same for crossings of quotas: each is numbered after its tenant's last one."""
    for one in crossings:
        await _append(connection, [((one.tenant, NO_CUSTOMER), partial(_crossing_rows, one))])


async def _append(connection: Connection, changes: Sequence[tuple[CustomerKey, "RowsOf"]]) -> None:
    """Append changes, of which no two have the same key."""
    if not changes:
        return
    found = await connection.fetch(_NEXT_NUMBERS, *columns(key for key, _ in changes))
    numbers = {(tenant, customer_id): (suffix, seq) for suffix, tenant, customer_id, seq in found}
    rows = [(numbers[key][0], *row) for key, rows_of in changes if key in numbers for row in rows_of(numbers[key][1])]
    if rows:
        names = ("changes_suffix", *OutboxRow._fields)
        await connection.copy_records_to_table(OUTBOX.name, schema_name=SCHEMA, records=rows, columns=names)


def outbox_rows(change: CustomerChange, seq: int) -> list[OutboxRow]:
    """The change, with its number, as rows of the outbox, one a part."""
    return [
        OutboxRow(one.tenant, one.customer_id, seq, one.part, encode_change(one).decode())
        for one in in_parts(change.model_copy(update={"seq": seq}))
    ]


def _crossing_rows(crossing: QuotaCrossed, seq: int) -> list[OutboxRow]:
    payload = encode_crossing(crossing.model_copy(update={"seq": seq})).decode()
    return [OutboxRow(crossing.tenant, NO_CUSTOMER, seq, 1, payload)]


def published_key(value: bytes | None) -> "ChangeKey | None":
    """What identifies the row of the outbox that a record was; None for a record that was none."""
    change = change_in(value)
    if change is not None:
        return (change.tenant, change.customer_id, change.seq, change.part)
    crossing = crossing_in(value)
    return None if crossing is None else (crossing.tenant, NO_CUSTOMER, crossing.seq, 1)


async def lock(connection: Connection) -> bool:
    """Try to become the only relay of the topic, for as long as the connection lasts, in the active generation."""
    return bool(await connection.fetchval(_LOCK))


async def is_active(connection: Connection) -> bool:
    """Whether the connection's generation is the active one, whose workers relay."""
    return bool(await connection.fetchval(_IS_ACTIVE))


async def unlock(connection: Connection) -> None:
    """Let another relay take the place of this one."""
    await connection.execute(_UNLOCK)


async def next_batch(connection: Connection, held: Collection[CustomerKey] = ()) -> list[Unsent]:
    """The first row of each of many customers, a customer's rows in the order of commits; at most 1,000, and 16 MiB.

    Tenants take turns. The customers that are ``held`` are left out.
    """
    return [Unsent(*row) for row in await connection.fetch(_NEXT_BATCH, *(columns(held) or ([], [])))]


async def oldest_age(connection: Connection) -> float:
    """For how many seconds the oldest change has been in the outbox; 0 if it is empty."""
    return float(await connection.fetchval(_OLDEST_AGE))


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


async def stored_changes(connection: Connection) -> AsyncIterator[OutboxRow]:
    """All that the outbox has. Needs a transaction, for it reads by a cursor."""
    async for row in connection.cursor(_STORED, prefetch=_PREFETCH):
        yield OutboxRow(*row)


async def sequences(connection: Connection) -> AsyncIterator[ChangeSequenceRow]:
    """How many changes each customer has had. Needs a transaction, for it reads by a cursor."""
    async for row in connection.cursor(_SEQUENCES, prefetch=_PREFETCH):
        yield ChangeSequenceRow(*row)


async def all_positions(connection: Connection) -> list[tuple[str, int, int]]:
    """The (topic, partition, offset) before which every change was removed from the outbox."""
    return [(topic, partition, offset) for topic, partition, offset in await connection.fetch(_ALL_POSITIONS)]
