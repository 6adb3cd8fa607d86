"""Imports: the rows of a file that was uploaded become events, or are only planned, in a dry run.

A batch of rows is planned in one snapshot, and what becomes of them is saved before their events are sent. Its step is
saved once the events are acknowledged. An import that was interrupted goes on with the row where it stood; rows of
which it may have sent the events count as what they were planned to be.
"""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final
from uuid import UUID

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.exports.cells import neutral, restored
from projections.identity.preview import MembershipPreview, TooManyContacts, preview_events
from projections.identity.resolutions import active_resolution, policy_of
from projections.identity.rules import PolicyInForce
from projections.imports.batches import BatchReader, NumberedRow, RefusedRow, RowBatch
from projections.imports.columns import ColumnMapping, columns_of
from projections.imports.errors import ImportRefused, WrongColumns
from projections.imports.order import ImportOrder
from projections.imports.plan import PlannedRow, Planner
from projections.imports.queries import TargetReader
from projections.imports.rows import CellValue, SourceTable, read_table
from projections.imports.statements import RowReader, RowStatement
from projections.quota.queries import quota_use
from projections.quota.thresholds import QuotaUse
from projections.settings.queries import DefinedAttribute, attribute_definitions
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.control.errors import FileGone
from services.control.job_files import read_bytes
from services.control.job_leases import WorkDone
from services.control.jobs import Job, find_job
from services.control.uploads import IMPORT
from services.runtime.cancelling import cancel_all
from services.runtime.database import open_engine
from services.runtime.problems import Kind, document
from services.vault.records import EncodedEvent
from services.worker.agent_spec import Connect, SendEvents
from services.worker.jobs.in_thread import in_thread
from services.worker.jobs.kind import JobRefused, JobStep

_BATCH: Final = 1_000  # rows
_MOST_LISTED: Final = 100  # warnings, and sentences about refused rows
_SHOWN: Final = 5  # rows
_PREVIEWED: Final = 20_000  # rows, at most, of which it is found out how they change who is one customer
_REASONS: Final = ("Import Error", "Import Error Detail")  # columns that an import ignores
_NO_IMPORT: Final = Kind("no-import", "This file can't be imported", 422)
_BOM: Final = "\ufeff"
_LEADING_ZEROS: Final = "a member id is a number in the workbook: zeros that it began with are lost"


class Import:
    """Runs imports; see JobKind. ``send`` appends events to the log."""

    name = IMPORT

    def __init__(self, url: str, connect: Connect, send: SendEvents, id_of: IdOf, region: str) -> None:
        self._url = url
        self._connect = connect
        self._send = send
        self._id_of = id_of
        self._region = region

    def file_of(self, job: Job, result: Any) -> tuple[str, str] | None:
        """The rows that were refused, with the reasons, to be mended and sent again; none if all could be read."""
        return (f"refused-{job.requested_at:%Y-%m-%d}.csv", "text/csv") if result["counts"]["refused"] else None

    async def steps(self, job: Job) -> AsyncGenerator[JobStep]:
        """A step for each batch of rows that is left. Raises JobRefused."""
        order = ImportOrder.model_validate(job.parameters["order"])
        with TemporaryFile(prefix="onefold-import-") as file:
            await self._download(job, file)
            try:
                table = await in_thread(lambda: read_table(file, order.encoding, order.delimiter))
                async with self._connect() as connection:
                    work = await self._prepared(connection, job, order, table)
                    async for step in work.steps(connection):
                        yield step
            except ImportRefused as error:
                columns = error.columns if isinstance(error, WrongColumns) else ()
                named = [{"title": title, "field": field} for title, field in columns]
                raise JobRefused(document(_NO_IMPORT, str(error), reason=error.reason, columns=named)) from None

    async def _download(self, job: Job, file: BinaryIO) -> None:
        upload = UUID(job.parameters["upload"])
        async with open_engine(self._url, name="onefold-imports", max_size=1) as engine:
            found = (await find_job(engine, upload, job.tenant)).file
            try:
                async for piece in read_bytes(engine, upload, 0, found.size if found else 0):
                    file.write(piece)
            except FileGone:
                raise JobRefused(document(_NO_IMPORT, "The file is no longer kept; send it again.")) from None

    async def _prepared(self, connection: Connection, job: Job, order: ImportOrder, table: SourceTable) -> "_Work":
        active = await active_resolution(connection, job.tenant)
        policy = policy_of(active, self._region)
        defined = await attribute_definitions(connection, job.tenant)
        types = {one.key: one.type for one in defined}
        mapping = columns_of(table.header, order, _names_of(defined))
        at = int(job.requested_at.timestamp() * 1000)
        return _Work(
            job,
            table,
            mapping,
            BatchReader(RowReader(order, mapping.fields, types, policy)),
            TargetReader(job.tenant, order, self._id_of, policy, at),
            Planner(job.tenant, order, policy, at),
            self._send,
            lambda events: preview_events(
                connection, active.key, PolicyInForce(active.version, policy), events, self._id_of
            ),
        )


class _Work:
    """One import under way: its rows, and what became of those that were looked at."""

    def __init__(  # noqa: PLR0913, PLR0917 - what rows pass through
        self,
        job: Job,
        table: SourceTable,
        mapping: ColumnMapping,
        reader: BatchReader,
        targets: TargetReader,
        planner: Planner,
        send: SendEvents,
        preview: Callable[[Sequence[Event]], Awaitable[MembershipPreview]],
    ) -> None:
        self._job = job
        self._table = table
        self._mapping = mapping
        self._reader = reader
        self._targets = targets
        self._planner = planner
        self._send = send
        self._preview = preview
        self._dry = bool(job.parameters["dry_run"])
        before: dict[str, Any] = job.checkpoint or {}
        self._rows = int(before.get("rows", 0))
        self._found: dict[str, Any] = before.get("found") or self._nothing_found()
        self._sending: dict[str, Any] | None = before.get("sending")  # a batch of which events may have been sent

    def _nothing_found(self) -> dict[str, Any]:
        columns = zip(self._table.header, self._mapping.fields, strict=True)
        return {
            "dry_run": self._dry,
            "counts": dict.fromkeys(("created", "updated", "unchanged", "refused", "empty"), 0),
            "events": 0,
            "columns": [
                {"title": title, "field": field, "guessed": number in self._mapping.guessed}
                for number, (title, field) in enumerate(columns)
            ],
            "encoding": self._table.encoding,
            "delimiter": self._table.delimiter,
            "first_rows": [],
            "refused_for": {},
            "refused": [],
            "warnings": [],
            "warnings_left_off": 0,
            "membership": None,
            "quota": None,
            "differs": {},
        }

    async def steps(self, connection: Connection) -> AsyncGenerator[JobStep]:
        """The steps that are left."""
        rows = enumerate(self._table.rows, 1)
        if self._job.checkpoint:
            await in_thread(lambda: self._reader.pass_over(islice(rows, self._rows)))
        else:
            yield self._step(_BOM.encode() + _lines([[neutral(one) for one in (*self._table.header, *_REASONS)]]))
        async with aclosing(self._batches(rows)) as batches:
            async for batch in batches:
                planned = await self._planned(connection, batch.read)
                events = [event for row in planned for event in row.events]
                end = batch.rows[-1][0]
                outcomes = self._sent_before(end) or {"events": len(events)} | Counter(row.outcome for row in planned)
                if not self._dry and events:
                    self._sending = {"rows": end, "outcomes": outcomes}
                    yield self._step(b"")
                    await self._send(CHANNEL_EVENTS, [EncodedEvent.of(event) for event in events])
                self._rows, self._sending = end, None
                self._count(outcomes, batch)
                self._note(batch)
                lines = (_refused_line(one, len(self._table.header)) for one in batch.refused)
                yield self._step(_lines(lines))
        if self._dry:
            self._found["quota"] = self._quota_after(await quota_use(connection, self._job.tenant))
        expected = self._job.parameters.get("expected") or self._found["counts"]
        self._found["differs"] = {
            name: count - expected[name] for name, count in self._found["counts"].items() if count != expected[name]
        }
        yield self._step(b"")

    async def _batches(self, rows: Iterator[NumberedRow]) -> AsyncGenerator[RowBatch]:
        """The rows in batches; the next one is read while the caller is at work on one."""
        ahead = asyncio.create_task(in_thread(lambda: self._reader.read(list(islice(rows, _BATCH)))))
        try:
            while (batch := await ahead).rows:
                ahead = asyncio.create_task(in_thread(lambda: self._reader.read(list(islice(rows, _BATCH)))))
                yield batch
        finally:
            await cancel_all(ahead)

    def _sent_before(self, end: int) -> dict[str, int] | None:
        """What the batch that ends with this row was planned to be, if it was about to be sent before."""
        sending = self._sending
        return sending["outcomes"] if sending is not None and sending["rows"] == end else None

    def _step(self, content: bytes) -> JobStep:
        checkpoint = {"rows": self._rows, "found": self._found, "sending": self._sending}
        return JobStep(WorkDone(self._rows, self._job.total, checkpoint, self._found), content)

    async def _planned(self, connection: Connection, read: Sequence[RowStatement]) -> list[PlannedRow]:
        if not read:
            return []
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            targets = await self._targets.read(connection, [row.uid for row in read])
            planned = [self._planner.plan(row, targets[row.uid]) for row in read]
            if self._dry:
                await self._foresee([event for row in planned for event in row.events], len(planned))
        return planned

    async def _foresee(self, events: Sequence[Event], rows: int) -> None:
        """Add what a batch of rows by itself would change in who is one customer, as long as few were looked at."""
        found = self._found["membership"] or {"rows": 0, "merges": 0, "splits": 0}
        if found["rows"] + rows > _PREVIEWED:
            return
        about_identity = [one for one in events if one.type == "identity.bound" or one.intrinsic]
        try:
            changes = (await self._preview(about_identity)).changes if about_identity else ()
        except TooManyContacts:  # the batch is left out, and not counted
            return
        self._found["membership"] = {
            "rows": found["rows"] + rows,
            "merges": found["merges"] + sum(one.type == "merged" and not one.after for one in changes),
            "splits": found["splits"] + sum(one.type == "split" and not one.before for one in changes),
        }

    def _quota_after(self, use: QuotaUse) -> dict[str, Any]:
        """What is used of the quota now, and at least and at most after the import, which subscribes nobody.

        Of a quota of customers, a merge may take one away, and a split may add one.
        """
        membership = self._found["membership"] if use.unit == "customers" else None
        merges, splits = (membership["merges"], membership["splits"]) if membership else (0, 0)
        after = {"least_after": max(0, use.used - merges), "most_after": use.used + splits}
        return {"unit": use.unit, "limit": use.limit, "used": use.used, **after}

    def _count(self, outcomes: Mapping[str, int], batch: RowBatch) -> None:
        counts = Counter(self._found["counts"]) + Counter(outcomes)
        counts.update({"refused": len(batch.refused), "empty": batch.empty})
        self._found["counts"] = {name: counts[name] for name in self._found["counts"]}
        self._found["events"] += outcomes["events"]
        self._found["refused_for"] = dict(
            Counter(self._found["refused_for"]) + Counter(one.reason for one in batch.refused)
        )
        room = _MOST_LISTED - len(self._found["refused"])
        self._found["refused"] += [
            {"line": one.row.line, "reason": one.reason, "detail": one.detail} for one in batch.refused[:room]
        ]

    def _note(self, batch: RowBatch) -> None:
        shown = self._found["first_rows"]
        for _, row in batch.rows[: _SHOWN - len(shown)]:
            shown.append([_shown(cell) for cell in row.cells])
        for one in batch.read:
            if not one.digits_only:
                continue
            if len(self._found["warnings"]) < _MOST_LISTED:
                self._found["warnings"].append({"line": one.line, "reason": "zeros_lost", "detail": _LEADING_ZEROS})
            else:
                self._found["warnings_left_off"] += 1


def _names_of(defined: Iterable[DefinedAttribute]) -> Iterator[tuple[str, str]]:
    """The names of custom attributes in each language, with the key of each."""
    for one in defined:
        if not one.archived:
            yield from ((name, one.key) for name in (one.display_name, *one.names.values()) if name)


def _refused_line(refused: RefusedRow, columns: int) -> list[str]:
    """The row's own cells with the reason. What could run as a formula is marked, as in exports."""
    row, reason, detail = refused
    cells = [cell if restored(cell) != cell else neutral(cell) for cell in map(_shown, row.cells[:columns])]
    return [*cells, *[""] * (columns - len(cells)), reason, f"line {row.line}: {detail}"]


def _shown(cell: CellValue) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if isinstance(cell, str) else str(cell)


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
