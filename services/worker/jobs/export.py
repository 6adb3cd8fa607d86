"""Exports: the rows of customers that fulfil a filter, in one snapshot, as a file.

A snapshot can't outlive its connection, so an export that was interrupted begins anew, with what is true by then.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Final

from projections.engine.connection import Connection
from projections.exports.headings import header_of
from projections.exports.queries import ExportStatement
from projections.exports.requests import EXPORT, ExportRequest
from projections.exports.writing import (
    MEDIA_TYPES,
    CsvRows,
    TooLongCell,
    TooManyRows,
    XlsxWriter,
    csv_header,
    typed_cells,
)
from projections.segments.searching import with_quota_end
from services.control.job_leases import WorkDone
from services.control.jobs import Job
from services.runtime.problems import Kind, document
from services.worker.agent_spec import Connect
from services.worker.jobs.in_thread import in_thread
from services.worker.jobs.kind import JobRefused, JobStep

Written = tuple[int, bytes]  # the rows so far, and what they add to the file
_NO_ROOM: Final = Kind("no-room-in-excel", "Excel has no room for this", 422)


class Export:
    """Runs exports, each on a connection of its own; see JobKind."""

    name = EXPORT

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:  # noqa: ARG002 - see JobKind
        """The file's name, which has the day on which it was asked for, and its media type."""
        order = ExportRequest.of(job.parameters).order
        return f"{order.rows}-{job.requested_at:%Y-%m-%d}.{order.format}", MEDIA_TYPES[order.format]

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step for each batch of rows. Raises JobRefused for what Excel has no room for."""
        wanted = ExportRequest.of(job.parameters)
        try:
            async with self._snapshot() as connection, aclosing(_steps(connection, job, wanted)) as steps:
                async for step in steps:
                    yield step
        except (TooManyRows, TooLongCell) as error:
            raise JobRefused(document(_NO_ROOM, f"{error} Export CSV instead, or fewer customers.")) from None

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connection]:
        async with (
            self._connect() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


async def _steps(connection: Connection, job: Job, wanted: ExportRequest) -> AsyncGenerator[JobStep]:
    asked = await with_quota_end(connection, job.tenant, wanted.asked_at)
    statement = wanted.statement(job.tenant, asked)
    make = _csv if wanted.order.format == "csv" else _workbook
    latest: Written | None = None  # it waits for the next one: only with the last is it known how many rows there are
    async with aclosing(make(connection, statement, wanted)) as made:
        async for written in made:
            if latest is not None:
                done, content = latest
                yield JobStep(WorkDone(done, max(done, job.total or 0)), content)
            latest = written
    done, content = latest or (0, b"")
    yield JobStep(WorkDone(done, done), content)


async def _csv(connection: Connection, statement: ExportStatement, wanted: ExportRequest) -> AsyncGenerator[Written]:
    rows = CsvRows()
    header = csv_header(header_of(wanted.order, wanted.attributes), bom=wanted.order.bom)
    async with aclosing(statement.csv(connection)) as pieces:
        async for piece in pieces:
            yield rows.add(piece), header + piece
            header = b""
    if header:
        yield 0, header


async def _workbook(
    connection: Connection, statement: ExportStatement, wanted: ExportRequest
) -> AsyncGenerator[Written]:
    done = 0
    typed = partial(typed_cells, columns=len(wanted.order.columns))
    with XlsxWriter(header_of(wanted.order, wanted.attributes)) as writer:
        async with aclosing(statement.batches(connection)) as batches:
            async for records in batches:
                await in_thread(partial(writer.write, map(typed, records)))
                done += len(records)
                yield done, b""
        last = writer.end()
        while (piece := await in_thread(partial(next, last, None))) is not None:
            yield done, piece
