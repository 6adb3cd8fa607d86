"""Do the tables say what the log says? Fold the log in memory, from the first record, and compare row by row.

The tables and the offsets up to which they are folded are read in one snapshot, so the workers may go on meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Grid

from projections.engine.generations import active_generation
from projections.engine.projection import Happened
from projections.engine.table import Table
from projections.intrinsics.folds import known
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.registry import CONTACT_TABLES, PROJECTIONS
from projections.whole import Rows, fold_log
from schemas.topics import CHANNEL_EVENTS
from services.project.contacts import key_of
from services.project.core.decoding import decode_records
from services.project.ids import id_of
from services.runtime.settings import Settings

_VERIFIED: Final = (*CONTACT_TABLES, INTRINSICS)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table against the log."""

    table: str
    expected: int
    found: int
    difference: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All tables against the log, and whether the counters add up."""

    records: int
    dead_letters: int
    counted_dead_letters: int
    counted_records: int
    tables: list[Comparison]

    @property
    def holds(self) -> bool:
        """Whether the tables are what the log gives, and every record was counted once."""
        return self.counted and all(one.difference is None for one in self.tables)

    @property
    def counted(self) -> bool:
        """Whether every record was counted once."""
        return self.dead_letters == self.counted_dead_letters and self.records == self.counted_records


def run(settings: Settings, *, as_json: bool) -> int:
    """Verify, and say what was found; 0 only if the tables are right."""
    console = Console(stderr=as_json)
    verdict = asyncio.run(verify(settings, console))
    if as_json:
        print(orjson.dumps(_as_dict(verdict)).decode())  # noqa: T201 - the command's output
    else:
        _show(console, verdict)
    return 0 if verdict.holds else 1


async def verify(settings: Settings, console: Console | None = None) -> Verdict:
    """Compare the active generation with the log up to its own offsets."""
    ends, counted, tables = await _snapshot(settings)
    happened: list[Happened] = []
    dead = records = 0
    identify = id_of(settings.master_key)
    with Progress(console=console, disable=console is None, transient=True) as progress:
        task = progress.add_task("Reading the log", total=sum(ends.values()))
        async for found in _log(settings, ends):
            decoded = decode_records(found, identify, key_of)
            happened += decoded.happened
            dead += len(decoded.dead)
            records += len(found)
            progress.advance(task, len(found))
    expected = fold_log(PROJECTIONS, happened) | {INTRINSICS: known(happened)}
    comparisons = [compare(table, expected[table], tables[table]) for table in _VERIFIED]
    return Verdict(records, dead, counted["dead_letters"], counted["records"], comparisons)


def compare(table: Table, expected: Rows, found: Rows) -> Comparison:
    """The first difference, by key; a row's columns are named, their values told by the kind of difference alone."""
    difference = None
    if expected != found:
        key = min(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        difference = f"{_name(table, key)}: {_kind(table, expected.get(key), found.get(key))}"
    return Comparison(table.name, len(expected), len(found), difference)


def _name(table: Table, key: Any) -> str:
    """A row by its tenant and contact id: what follows in a key may be an identifier's value."""
    return f"{table.name} of tenant {key[0]}, contact {key[1]}"


def _kind(table: Table, expected: Any, found: Any) -> str:
    if found is None:
        return "the log has this row, the table lacks it"
    if expected is None:
        return "the table has a row that the log does not give"
    names = [column.name for column, ours, theirs in zip(table.columns, expected, found, strict=True) if ours != theirs]
    return f"differs in {', '.join(names)}"


async def _snapshot(settings: Settings) -> tuple[dict[int, int], Mapping[str, int], dict[Table, Rows]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        generation = await active_generation(connection)
        await connection.execute(f"SET search_path TO {generation}")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
            offsets = await connection.fetch("SELECT * FROM offsets WHERE topic = $1", topic)
            tables = {table: await _rows(connection, table) for table in _VERIFIED}
    finally:
        await connection.close()
    ends = {row["partition"]: row["next_offset"] for row in offsets}
    dead = sum(row["dead_letters"] for row in offsets)
    return ends, {"dead_letters": dead, "records": dead + _kept(offsets)}, tables


def _kept(offsets: Any) -> int:
    return sum(row["committed"] + row["duplicates"] for row in offsets)


async def _rows(connection: Any, table: Table) -> Rows:
    rows: Rows = {}
    names = ", ".join(column.name for column in table.columns)
    async for record in connection.cursor(f"SELECT {names} FROM {table.name}", prefetch=5000):  # noqa: S608 - constants
        row = table.row(*record)
        rows[table.key(row)] = row
    return rows


async def _log(settings: Settings, ends: Mapping[int, int]) -> AsyncIterator[list[Any]]:
    """The records of the log below ``ends``, partition by partition, some at a time."""
    topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        for number, end in sorted(ends.items()):
            partition = TopicPartition(topic, number)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                found = (await consumer.getmany(partition, timeout_ms=1000, max_records=5000)).get(partition, [])
                if found:
                    yield [record for record in found if record.offset < end]
    finally:
        await consumer.stop()


def _as_dict(verdict: Verdict) -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "records": verdict.records,
        "dead_letters": verdict.dead_letters,
        "tables": {
            one.table: {"expected": one.expected, "found": one.found, "difference": one.difference}
            for one in verdict.tables
        },
    }


def _show(console: Console, verdict: Verdict) -> None:
    grid = Grid(title=f"{verdict.records:,} records of the log, {verdict.dead_letters:,} of them dead letters")
    for title in ("table", "rows from the log", "rows in the table", "first difference"):
        grid.add_column(title, justify="right" if title.startswith("rows") else "left")
    for one in verdict.tables:
        grid.add_row(one.table, f"{one.expected:,}", f"{one.found:,}", one.difference or "none")
    console.print(grid)
    if verdict.records != verdict.counted_records or verdict.dead_letters != verdict.counted_dead_letters:
        console.print(
            f"The counters beside the offsets say {verdict.counted_records:,} records, "
            f"{verdict.counted_dead_letters:,} dead letters."
        )
    console.print("The tables are what the log gives." if verdict.holds else "The tables are NOT what the log gives.")
