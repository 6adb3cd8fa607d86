"""The rows of a CSV file or a workbook, one after the other. Memory holds one row, whatever the file's size.

Every row is given, also an empty one, so that what becomes of the rows adds up to their number.
"""

import csv
import io
import re
import warnings
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from itertools import chain
from typing import BinaryIO, Final, NamedTuple, TextIO

from projections.imports.decoding import codec_of, encoding_of
from projections.imports.errors import NotReadable
from projections.imports.order import Delimiter, EncodingName

CellValue = str | int | float | bool | date | datetime
MOST_COLUMNS: Final = 600
MOST_LINES: Final = 1_000  # of one row
LONGEST_ROW: Final = 65_536  # characters
_ZIP: Final = b"PK\x03\x04"
_MOST_UNPACKED: Final = 4_000_000_000  # bytes
_MOST_TEXTS: Final = 256_000_000  # bytes of a workbook that are held in memory
_DELIMITERS: Final[tuple[Delimiter, ...]] = (",", ";", "\t")
_TOO_LONG: Final = f"the row has more than {LONGEST_ROW} characters, or {MOST_COLUMNS} cells"
_NOT_CLOSED: Final = "a quoted cell is not closed, or goes on after its end"


class SourceRow(NamedTuple):
    """A row: the number of the line where it begins, from 1, and its cells, or why it has none."""

    line: int
    cells: tuple[CellValue, ...] = ()
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.problem and all(isinstance(cell, str) and not cell.strip() for cell in self.cells)


class SourceTable(NamedTuple):
    """A file as a table: the titles of its columns, its further rows, and how it is written.

    ``encoding`` and ``delimiter`` are None for a workbook.
    """

    header: tuple[str, ...]
    rows: Iterator[SourceRow]
    encoding: EncodingName | None
    delimiter: Delimiter | None


def read_table(file: BinaryIO, encoding: EncodingName | None, delimiter: Delimiter | None) -> SourceTable:
    """The table in a file, which has to stay open as long as the rows are read. Raises NotReadable."""
    file.seek(0)
    if file.read(len(_ZIP)) == _ZIP:
        return _table(_workbook_rows(file), None, None)
    found = encoding_of(file, encoding)
    text = io.TextIOWrapper(io.BufferedReader(_Unclosed(file)), codec_of(found), newline="")
    lines = _Lines(text)
    separator = delimiter or _separator(lines.first)
    return _table(_csv_rows(lines, separator), found, separator)


def _table(rows: Iterator[SourceRow], encoding: EncodingName | None, delimiter: Delimiter | None) -> SourceTable:
    """The first row that is not empty has the titles. Raises NotReadable."""
    for row in rows:
        if row.problem:
            raise NotReadable(f"line {row.line} should have the columns' titles: {row.problem}")
        if not row.is_empty:
            titles = [str(cell).strip() for cell in row.cells]
            while not titles[-1]:
                titles.pop()
            return SourceTable(tuple(titles), rows, encoding, delimiter)
    raise NotReadable("the file is empty")


class _Unclosed(io.RawIOBase):
    """A file that stays open when what reads it as text is gone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any buffer
        piece = self._file.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


class _Line(NamedTuple):
    number: int
    text: str | None  # None: it is too long


class _Lines:
    """The lines of a text with their numbers. Lines can be given back, to be read again."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._number = 0
        self._given_back: deque[_Line] = deque()
        first = self.next()
        self.first = (first and first.text) or ""
        if first is not None:
            self.give_back([first])

    def next(self) -> _Line | None:
        """The next line with its end, or None after the last."""
        if self._given_back:
            return self._given_back.popleft()
        text = self._text.readline(LONGEST_ROW + 1)
        if not text:
            return None
        self._number += 1
        if len(text) <= LONGEST_ROW:
            return _Line(self._number, text)
        while text and not text.endswith(("\n", "\r")):
            text = self._text.readline(LONGEST_ROW)
        return _Line(self._number, None)

    def give_back(self, lines: list[_Line]) -> None:
        """Read these lines again, next."""
        self._given_back.extendleft(reversed(lines))


def _separator(first: str) -> Delimiter:
    return max(_DELIMITERS, key=lambda one: len(_parsed(first, one) or ()))


def _csv_rows(lines: _Lines, delimiter: Delimiter) -> Iterator[SourceRow]:
    """A row may go over several lines inside quotes. Where they are not closed, the row is its first line alone."""
    opening = re.compile(rf'(?:^|{re.escape(delimiter)})"')
    while (line := lines.next()) is not None:
        taken, size, is_open = [line], 0, False
        while taken[-1].text is not None:
            size += len(taken[-1].text)
            is_open = _open_after(taken[-1].text, opening, opened=is_open)
            if not is_open or size > LONGEST_ROW or len(taken) == MOST_LINES or (following := lines.next()) is None:
                break
            taken.append(following)
        if is_open or taken[-1].text is None:
            lines.give_back(taken[1:])
            yield SourceRow(line.number, problem=_TOO_LONG if line.text is None else _NOT_CLOSED)
        else:
            yield _row(line.number, "".join(one.text or "" for one in taken), delimiter)


def _open_after(line: str, opening: re.Pattern[str], *, opened: bool) -> bool:
    """Whether a quoted cell is open at the line's end, given whether one was at its beginning."""
    at = 0
    while True:
        if opened:
            while (at := line.find('"', at)) >= 0 and line.startswith('""', at):
                at += 2
            if at < 0:
                return True
            at, opened = at + 1, False
        found = opening.search(line, at) if at == 0 else opening.search(line, max(at, 1))
        if found is None:
            return False
        at, opened = found.end(), True


def _row(number: int, text: str, delimiter: Delimiter) -> SourceRow:
    cells = _parsed(text, delimiter)
    if cells is None:
        return SourceRow(number, problem=_NOT_CLOSED)
    return SourceRow(number, tuple(cells)) if len(cells) <= MOST_COLUMNS else SourceRow(number, problem=_TOO_LONG)


def _parsed(text: str, delimiter: Delimiter) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _workbook_rows(file: BinaryIO) -> Iterator[SourceRow]:
    """The rows of the first sheet; the line is the row's number. Raises NotReadable."""
    from openpyxl import load_workbook  # noqa: PLC0415 - loads slowly, and few imports are workbooks

    _check_size(file)
    try:
        with warnings.catch_warnings(action="ignore"):  # of styles that nobody asks for
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # programs state wrong ones
        rows = iter(sheet.iter_rows(values_only=True))
        first = next(rows, ())
    except Exception as error:  # noqa: BLE001 - of a file that somebody made, the library may raise anything
        raise NotReadable(f"it is no workbook of Excel that can be read ({type(error).__name__})") from None
    return _numbered(chain([first], rows))


def _numbered(rows: Iterator[tuple[object, ...]]) -> Iterator[SourceRow]:
    number = 0
    waiting: list[SourceRow] = []  # empty ones, which do not count at the end of a sheet
    while True:
        number += 1
        try:
            cells = next(rows, None)
        except Exception as error:  # noqa: BLE001 - as above
            raise NotReadable(f"row {number} of the sheet can't be read ({type(error).__name__})") from None
        if cells is None:
            return
        row = _sheet_row(number, cells)
        if row.is_empty and len(waiting) < _MOST_EMPTY:
            waiting.append(row)
            continue
        yield from waiting
        waiting.clear()
        yield row


_MOST_EMPTY: Final = 10_000


def _sheet_row(number: int, cells: tuple[object, ...]) -> SourceRow:
    values = [_value(cell) for cell in cells]
    while values and values[-1] == "":
        values.pop()
    size = sum(len(value) for value in values if isinstance(value, str))
    if len(values) > MOST_COLUMNS or size > LONGEST_ROW:
        return SourceRow(number, problem=_TOO_LONG)
    return SourceRow(number, tuple(values))


def _value(cell: object) -> CellValue:
    if cell is None:
        return ""
    if isinstance(cell, str | bool | int | float | datetime | date):
        return cell
    return cell.isoformat() if isinstance(cell, time) else str(cell)


def _check_size(file: BinaryIO) -> None:
    """Raises NotReadable for what unpacks to very much: its texts are held in memory."""
    with suppress(zipfile.BadZipFile, OSError, ValueError):
        file.seek(0)
        with zipfile.ZipFile(file) as packed:
            members = packed.infolist()
        texts = sum(one.file_size for one in members if "worksheets/" not in one.filename)
        if sum(one.file_size for one in members) > _MOST_UNPACKED or texts > _MOST_TEXTS:
            raise NotReadable("the workbook unpacks to too much; save it as CSV, or in several files")
    file.seek(0)
