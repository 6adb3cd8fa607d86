"""Parses lists line by line: NDJSON, CSV and plain text give the same kind of entry, an object with a line's fields.

A line that can't be read becomes ``Malformed`` and does not affect other lines.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.codec import InvalidEvent
from services.ingress.core.events import Malformed, parse
from services.ingress.core.lines import Line

Form = Literal["ndjson", "csv", "text"]
TABLES: Final[dict[str, Form]] = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "text/csv": "csv",
    "application/octet-stream": "ndjson",  # what most generated clients can stream
}
FORMS: Final[dict[str, Form]] = TABLES | {"text/plain": "text"}


class NoColumns(ValueError):
    """The first line of a CSV does not name the columns that a list needs."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a list: those that it may have, and sets of which it has one at least.

    ``sole`` is the field of a line that is a text instead of an object, if there may be such lines.
    """

    allowed: frozenset[str]
    needed: tuple[frozenset[str], ...]
    sentence: str  # what its columns are, for people
    sole: str | None = None


CONTACTS: Final = Columns(
    frozenset({"contact", "channel", "account", "uid", "text", "message_id"}),
    (frozenset({"contact"}), frozenset({"channel", "account", "uid"})),
    "its columns are contact, or channel, account and uid, and perhaps text and message_id",
    sole="contact",
)
MERGES: Final = Columns(
    frozenset({"member_id", "into", "by"}),
    (frozenset({"member_id", "into"}),),
    "its columns are member_id and into, and perhaps by",
)


def reader_of(form: Form, columns: Columns) -> Callable[[Line], Iterator[Any]]:
    """The reader of a list's lines, in order: each gives an entry, or none if it is empty or names the columns."""
    if form == "csv":
        return Csv(columns)
    return _json_reader(columns.sole) if form == "ndjson" else _text_reader(columns.sole)


def _json_reader(sole: str | None) -> Callable[[Line], Iterator[Any]]:
    def read(line: Line) -> Iterator[Any]:
        if line.raw is None:
            yield _TOO_LONG
        elif line.raw.strip():
            try:
                value = parse(line.raw)
            except InvalidEvent as error:
                yield Malformed(error.detail)
            else:
                yield {sole: value} if sole is not None and isinstance(value, str) else value

    return read


def _text_reader(sole: str | None) -> Callable[[Line], Iterator[Any]]:
    def read(line: Line) -> Iterator[Any]:
        text = _decoded(line)
        if isinstance(text, Malformed):
            yield text
        elif text.strip():
            yield {sole: text.strip()}

    return read


class Csv:
    """Reads a CSV's lines; the first that is not empty names the columns. Raises NoColumns."""

    def __init__(self, columns: Columns) -> None:
        self._known = columns
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
                self._columns = _named(cells, self._known)
            elif len(cells) > len(self._columns):
                yield Malformed("the line has more cells than there are columns")
            else:
                yield {name: cell for name, cell in zip(self._columns, cells, strict=False) if cell}


def _named(cells: list[str], known: Columns) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    if unknown := set(columns) - known.allowed:
        raise NoColumns(f"{len(unknown)} of its columns are none of {', '.join(sorted(known.allowed))}")
    if len(set(columns)) < len(columns):
        raise NoColumns("a column is named twice")
    if not any(needed <= set(columns) for needed in known.needed):
        raise NoColumns(known.sentence)
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


_TOO_LONG: Final = Malformed("the line is too long, or of too many parts")
