"""Writes the rows of an export as CSV, or as a workbook of Excel. Memory holds a few rows, whatever their number."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol, Self

import xlsxwriter

from projections.exports.columns import Cell
from projections.exports.order import EXCEL_ROWS, Format

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BOM: Final = "\ufeff"
_PIECE: Final = 1 << 20  # bytes
_LONGEST_CELL: Final = 32_767  # characters, in Excel


class TooManyRows(Exception):
    """Excel's sheets have no room for so many rows; export CSV instead, or fewer customers."""


class TooLongCell(Exception):
    """A cell has more characters than one of Excel can have; export CSV instead. The message names the column."""


class Writer(Protocol):
    """Writes one table. Use it in a ``with`` block."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        ...

    def write(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """Take further rows; the bytes that are ready, which may be none."""
        ...

    def end(self) -> Iterator[bytes]:
        """The bytes that are left."""
        ...


def writer_of(form: Format, header: Sequence[str], *, bom: bool) -> Writer:
    """A writer of a table with this header; ``bom`` is for CSV."""
    return CsvWriter(header, bom=bom) if form == "csv" else XlsxWriter(header)


class CsvWriter:
    """Writes CSV in UTF-8 as RFC 4180 has it: commas, lines that end by CR and LF, quotes where they are needed."""

    def __init__(self, header: Sequence[str], *, bom: bool) -> None:
        self._text = io.StringIO(newline="")
        self._text.write(_BOM if bom else "")
        self._rows = csv.writer(self._text)
        self._rows.writerow(header)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        self._text.close()

    def write(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """Take further rows; their bytes."""
        self._rows.writerows(rows)
        written = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return written

    def end(self) -> Iterator[bytes]:
        """The bytes that are left: the header's, if there was no row."""
        yield self.write(())


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

    def write(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """Take further rows; no byte is ready before the end. Raises TooManyRows and TooLongCell."""
        for row in rows:
            if self._row == EXCEL_ROWS:
                raise TooManyRows(TooManyRows.__doc__)
            for number, cell in enumerate(row):
                self._write(number, cell)
            self._row += 1
        return b""

    def _write(self, number: int, cell: Cell) -> None:
        if not isinstance(cell, str):
            self._sheet.write_number(self._row, number, cell)
        elif len(cell) > _LONGEST_CELL:
            raise TooLongCell(f"a cell of the column {self._header[number]!r} has {len(cell)} characters")
        elif cell:
            self._sheet.write_string(self._row, number, cell)

    def end(self) -> Iterator[bytes]:
        """Pack the workbook; its bytes."""
        self._book.close()
        with self._path.open("rb") as packed:
            while piece := packed.read(_PIECE):
                yield piece
