"""Parses lists of contacts line by line: NDJSON, CSV and plain keys give the same kind of object.

An entry is ``{"contact": …}`` or ``{"channel", "account", "uid"}``, with the other fields of its line. A line that
can't be read becomes ``Malformed`` and does not affect other lines.
"""

import csv
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from schemas.codec import InvalidEvent
from services.ingress.core.events import Malformed, parse
from services.ingress.core.lines import Line

Form = Literal["ndjson", "csv", "text"]
FORMS: Final[dict[str, Form]] = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "text/csv": "csv",
    "text/plain": "text",
}
COLUMNS: Final = frozenset({"contact", "channel", "account", "uid", "text", "message_id"})
NAMING: Final = frozenset({"contact", "channel", "account", "uid"})


class NoColumns(ValueError):
    """The first line of a CSV does not name the columns that identify a contact."""


def reader_of(form: Form) -> Callable[[Line], Iterator[Any]]:
    """The reader of a list's lines, in order: each gives an entry, or none if it is empty or names the columns."""
    if form == "csv":
        return Csv()
    return _json_line if form == "ndjson" else _text_line


def _json_line(line: Line) -> Iterator[Any]:
    if line.raw is None:
        yield _TOO_LONG
    elif line.raw.strip():
        try:
            value = parse(line.raw)
        except InvalidEvent as error:
            yield Malformed(error.detail)
        else:
            yield {"contact": value} if isinstance(value, str) else value


def _text_line(line: Line) -> Iterator[Any]:
    text = _decoded(line)
    if isinstance(text, Malformed):
        yield text
    elif text.strip():
        yield {"contact": text.strip()}


class Csv:
    """Reads a CSV's lines; the first that is not empty names the columns. Raises NoColumns."""

    def __init__(self) -> None:
        self._columns: list[str] | None = None

    def __call__(self, line: Line) -> Iterator[Any]:
        """A line's entry, of the cells that are not empty."""
        cells = _cells(line)
        if isinstance(cells, Malformed):
            if self._columns is None:
                raise NoColumns(cells.detail)
            yield cells
        elif any(cells):
            if self._columns is None:
                self._columns = _columns(cells)
            elif len(cells) > len(self._columns):
                yield Malformed("the line has more cells than there are columns")
            else:
                yield {name: cell for name, cell in zip(self._columns, cells, strict=False) if cell}


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    if unknown := set(columns) - COLUMNS:
        raise NoColumns(f"{len(unknown)} of its columns are none of {', '.join(sorted(COLUMNS))}")
    if len(set(columns)) < len(columns):
        raise NoColumns("a column is named twice")
    if "contact" not in columns and not {"channel", "account", "uid"} <= set(columns):
        raise NoColumns("its columns are contact, or channel, account and uid, and perhaps text and message_id")
    return columns


def _cells(line: Line) -> list[str] | Malformed:
    text = _decoded(line)
    if isinstance(text, Malformed):
        return text
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return Malformed("the line is no CSV: a quoted cell is not closed, or goes on after its end")


def _decoded(line: Line) -> str | Malformed:
    if line.raw is None:
        return _TOO_LONG
    try:
        return line.raw.decode()
    except UnicodeDecodeError:
        return Malformed("the line is not UTF-8")


_TOO_LONG: Final = Malformed("the line is too long")
