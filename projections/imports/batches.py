"""Reads the rows of a file in batches: what each row states, and which are refused (pure)."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from projections.imports.errors import RowRefused
from projections.imports.rows import SourceRow
from projections.imports.seen import SeenUids
from projections.imports.statements import RowReader, RowStatement

NumberedRow = tuple[int, SourceRow]  # with its number among the rows of the file, from 1


class RefusedRow(NamedTuple):
    """A row that can't be imported: a word of a closed set, and a sentence for people."""

    row: SourceRow
    reason: str
    detail: str


class RowBatch(NamedTuple):
    """Some rows of the file, what they state, those that are refused, and how many are empty."""

    rows: Sequence[NumberedRow]
    read: Sequence[RowStatement]
    refused: Sequence[RefusedRow]
    empty: int


class BatchReader:
    """Reads a file's rows in their order. It remembers of whom they are, since only the first row of each counts."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader
        self._seen = SeenUids()

    def read(self, rows: Sequence[NumberedRow]) -> RowBatch:
        """What becomes of the next rows."""
        read, refused = list[RowStatement](), list[RefusedRow]()
        filled = [row for _, row in rows if not row.is_empty]
        for row in filled:
            try:
                read.append(self._once(row))
            except RowRefused as error:  # not kept: it holds this frame, so the batch would wait for the collector
                refused.append(RefusedRow(row, error.reason, error.detail))
        return RowBatch(rows, read, refused, len(rows) - len(filled))

    def pass_over(self, rows: Iterable[NumberedRow]) -> None:
        """Remember of whom the next rows are; what becomes of them is known."""
        for _, row in rows:
            with suppress(RowRefused):
                self._once(row)

    def _once(self, row: SourceRow) -> RowStatement:
        """What the row states. Raises RowRefused, also if an earlier row is of the same customer or contact."""
        stated = self._reader.read(row)
        if not self._seen.add(stated.uid):
            raise RowRefused("repeated", "an earlier row of the file is of the same one; keep one row for each")
        return stated
