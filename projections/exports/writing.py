"""Writes an export: the header of a CSV file, whose rows PostgreSQL writes, or a workbook of Excel."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import orjson
import xlsxwriter

from projections.exports.cells import neutral
from projections.exports.order import EXCEL_ROWS, Format

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Cell = str | int | float | None
_BOM: Final = "\ufeff"
_PIECE: Final = 1 << 20  # bytes
_LONGEST_CELL: Final = 32_767  # characters, in Excel


class TooManyRows(Exception):
    """Excel's sheets have no room for so many rows; export CSV instead, or fewer customers."""


class TooLongCell(Exception):
    """A cell has more characters than one of Excel can have; export CSV instead. The message names the column."""


def csv_header(header: Sequence[str], *, bom: bool) -> bytes:
    """The first line of a CSV file, in UTF-8."""
    text = io.StringIO(newline="")
    text.write(_BOM if bom else "")
    csv.writer(text, lineterminator="\n").writerow(header)
    return text.getvalue().encode()


class CsvRows:
    """Counts the rows of a CSV file that comes in pieces: a cell in quotes may have several lines."""

    def __init__(self) -> None:
        self._quoted = False
        self.count = 0

    def add(self, piece: bytes) -> int:
        """How many rows have ended, after this piece."""
        parts = piece.split(b'"')
        self.count += sum(part.count(b"\n") for part in parts[int(self._quoted) :: 2])
        self._quoted ^= len(parts) % 2 == 0
        return self.count


class XlsxWriter:
    """Writes a workbook with one sheet, in a folder of its own for as long as it takes: it is packed when it is whole.

    Texts are written as texts, never as formulas, links or numbers.
    """

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        self._folder = TemporaryDirectory(prefix="onefold-export-")
        self._path = Path(self._folder.name, "export.xlsx")
        self._book = xlsxwriter.Workbook(self._path, {"constant_memory": True, "tmpdir": self._folder.name})
        self._sheet = self._book.add_worksheet()
        self._row = 0
        self.write([header])

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        self._sheet.row_data_fh.close()
        self._folder.cleanup()

    def write(self, rows: Iterable[Iterable[Cell]]) -> None:
        """Take further rows. Raises TooManyRows and TooLongCell."""
        for row in rows:
            if self._row == EXCEL_ROWS:
                raise TooManyRows(TooManyRows.__doc__)
            for number, cell in enumerate(row):
                self._write(number, cell)
            self._row += 1

    def _write(self, number: int, cell: Cell) -> None:
        if isinstance(cell, int | float):
            self._sheet.write_number(self._row, number, cell)
        elif cell is not None and len(cell) > _LONGEST_CELL:
            raise TooLongCell(f"a cell of the column {self._header[number]!r} has {len(cell)} characters")
        elif cell:
            self._sheet.write_string(self._row, number, cell)

    def end(self) -> Iterator[bytes]:
        """Pack the workbook; its bytes, some at a time."""
        self._book.close()
        with self._path.open("rb") as packed:
            while piece := packed.read(_PIECE):
                yield piece


def typed_cells(record: Sequence[Any], columns: int) -> list[Cell]:
    """The cells of a row whose first ``columns`` are texts, and the others values as JSON, or null."""
    return [*record[:columns], *(None if value is None else _typed(orjson.loads(value)) for value in record[columns:])]


def _typed(value: str | float | bool) -> Cell:  # noqa: FBT001 - an attribute's value
    if isinstance(value, bool):
        return str(value).lower()
    return neutral(value) if isinstance(value, str) else value
