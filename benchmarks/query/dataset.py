"""A generation with the population in it, made once and kept in a folder for the next run."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import orjson
import sqlalchemy as sa
from pydantic import SecretStr
from rich.progress import Progress

from benchmarks.bed import Bed, reading, require_running
from benchmarks.figures import BenchmarkFailed
from benchmarks.query.filling import FILLED, counted, save_counts
from benchmarks.query.population import BLOCK, END_MS, TENANT
from projections.customers.checking import plain_row
from projections.customers.loading import load_customers
from projections.customers.rows import customer_row
from projections.customers.tables import COMPOSED, CUSTOMER_ROWS, ComposedRow, CustomerSummaryRow
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import row_columns
from projections.engine.statements import compiled
from projections.engine.store import save
from projections.identity.resolutions import active_resolution, policy_of
from projections.registry import SCHEMA
from projections.timeline.tables import QUOTA_TYPE, TimelineRow
from projections.timeline.tables import TABLE as TIMELINE
from services.embedded.process import Process
from services.runtime.settings import Settings

_VERSION: Final = 1  # goes up with every change of the population
_PROCESSES: Final = 2
_KEPT: Final = (*FILLED, COMPOSED, TIMELINE)
_LOOK_EVERY: Final = 0.5
_SAMPLE: Final = 500
_WITHIN_QUOTA: Final = 0.97  # of the valid contacts
_FIRST_ROWS: Final = compiled(
    sa.select(*row_columns(CUSTOMER_ROWS))
    .order_by(CUSTOMER_ROWS.c.tenant, CUSTOMER_ROWS.c.customer_id)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    "limit",
)


async def filled_generation(bed: Bed, name: str, customers: int, kept: Path | None) -> Settings:
    """A generation with so many customers. It is read from the folder, or made, and then written there."""
    given = await bed.lasting_generation(name, f"bench-{name}")
    settings = given.model_copy(update={"secret_key": SecretStr("the same ids in every run")})
    folder = kept / f"{_VERSION}-{SCHEMA.digest[:12]}-{customers}" if kept else None
    async with reading(settings) as connection:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        for index in SCHEMA.indexes_for_readers:
            await connection.execute(f"DROP INDEX {index}")
        if folder and folder.exists():
            await _load(bed, connection, folder)
        else:
            await _make(bed, settings, customers)
            await save_counts(connection, counted(bed.home))
            await _save_settings(connection)
            if folder:
                await _keep(bed, connection, folder)
        for index, statement in SCHEMA.indexes_for_readers.items():
            with bed.console.status(f"Making the index {index} …"):
                await connection.execute(statement)
        with bed.console.status("Collecting statistics …"):
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")
        await require_true_rows(connection, _SAMPLE)
    return settings


async def _make(bed: Bed, settings: Settings, customers: int) -> None:
    """Run the processes that make the rows, and show how far they are."""
    with Progress(console=bed.console) as progress, ExitStack() as stack:
        task = progress.add_task(f"Making {customers:,} customers", total=-(-customers // BLOCK))
        running = [stack.enter_context(_making(bed, settings, number, customers)) for number in range(_PROCESSES)]
        while not all((bed.home / f"counts-{number}").exists() for number in range(_PROCESSES)):
            await asyncio.sleep(_LOOK_EVERY)
            for process in running:
                if process.exit_code:
                    require_running(process)
            progress.update(task, completed=sum(int(file.read_text()) for file in bed.home.glob("blocks-*")))


@contextmanager
def _making(bed: Bed, settings: Settings, number: int, customers: int) -> Iterator[Process]:
    arguments = (str(bed.home), str(number), str(_PROCESSES), str(customers))
    with bed.process(settings, f"filling-{number}", "-m", "benchmarks.query.filling", *arguments) as process:
        yield process


async def _save_settings(connection: Connection) -> None:
    """Write what belongs to the whole brand: how far its rows are made, and its quota."""
    valid = await connection.fetchval("SELECT sum(valid)::bigint FROM quota_days")
    data = orjson.dumps({"limit": int(valid * _WITHIN_QUOTA), "unit": "contacts"}).decode()
    quota = TimelineRow(TENANT, NO_CONTACT, "quota", END_MS, END_MS, QUOTA_TYPE, "bench", data, "[]")
    async with connection.transaction():
        await save(connection, TIMELINE, [quota])
        await save(connection, COMPOSED, [ComposedRow(TENANT, "default", None, "{}", 1)])


async def _keep(bed: Bed, connection: Connection, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for table in _KEPT:
        with bed.console.status(f"Keeping {table.name} …"):
            await connection.copy_from_table(table.name, output=part / table.name, format="binary")
    part.rename(folder)


async def _load(bed: Bed, connection: Connection, folder: Path) -> None:
    for table in _KEPT:
        with bed.console.status(f"Loading {table.name} …"):
            await connection.copy_to_table(table.name, source=folder / table.name, format="binary")


async def require_true_rows(connection: Connection, sample: int) -> None:
    """Require that the rows of so many customers are what the composer makes of their contacts."""
    rows = await connection.fetch(_FIRST_ROWS, sample)  # ids are hashes, so that the first are any
    found = {row["customer_id"]: CustomerSummaryRow(*row) for row in rows}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        active = await active_resolution(connection, TENANT)
        loaded = await load_customers(connection, active.key, policy_of(active, "TW"), found)
    expected = {
        customer_id: customer_row(TENANT, one.customer.identity, one.customer.contacts, one.conflicts).row
        for customer_id, one in loaded.items()
    }
    wrong = [one for one in found if one not in expected or plain_row(expected[one]) != plain_row(found[one])]
    if wrong or not found:
        raise BenchmarkFailed(f"of {len(found)} customers {len(wrong)} have another row than their contacts give")
