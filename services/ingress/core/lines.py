"""Splits a body into lines while it arrives. It holds one line at a time, which has a maximum length.

Lines of nothing but white space are counted and left out. A few kilobytes of gzip can hold millions of them, so they
are passed over many at a time.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_OPENING: Final = re.compile(rb'(?:^|,)"')
_CLOSING: Final = re.compile(rb'(?:[^"]++|"")*+"')
_BLANK: Final = re.compile(rb"(?:[ \t\r\v\f]*+\n)++")
_BOM: Final = b"\xef\xbb\xbf"
# Of one line, since a line that is under way is not interrupted: ends of lines in quoted cells, and quoted cells.
MOST_ENDS: Final = 1_000
_MOST_QUOTED: Final = 1_000


class Line(NamedTuple):
    """A line with its number, from 1; None stands for one that was too long, or of too many parts, to be kept."""

    number: int
    raw: bytes | None


class Lines:
    """Cuts pieces of a body into lines. With ``quoted``, a line does not end inside a quoted field of a CSV."""

    def __init__(self, longest: int, *, quoted: bool = False) -> None:
        self._longest = longest
        self._quoted = quoted
        self._kept = bytearray()  # of the line under way
        self._lost = False  # it got too long
        self._open = False  # it ends inside a quoted field so far
        self._checked = 0  # how far it was looked at for quotes
        self._number = self._first = 1

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end with this piece."""
        start = self._past_blank(piece, 0)
        while (end := piece.find(b"\n", start)) >= 0:
            self._keep(piece[start : end + 1])
            yield from self._ended()
            start = self._past_blank(piece, end + 1)
        self._keep(piece[start:])

    def _past_blank(self, piece: bytes, start: int) -> int:
        """Where the next line begins that is not blank; ``start`` itself inside a line."""
        if self._kept or self._lost:
            return start
        blank = _BLANK.match(piece, start)
        if blank is None:
            return start
        self._number += piece.count(b"\n", start, blank.end())
        self._first = self._number
        return blank.end()

    def finish(self) -> Iterator[Line]:
        """The body has ended: the last line, if it had no end of its own."""
        if self._kept or self._lost:
            yield from self._taken()

    def _keep(self, more: bytes) -> None:
        if self._lost or len(self._kept) + len(more) > self._longest + 2:
            self._lost = True
            self._kept.clear()
        else:
            self._kept += more

    def _ended(self) -> Iterator[Line]:
        """A physical line has ended; the line goes on where a quoted field is open."""
        self._number += 1
        if self._quoted and not self._lost:
            try:
                self._open = _open_after(self._kept, self._checked, opened=self._open)
            except _TooManyQuoted:
                self._lost = True
            self._checked = len(self._kept)
            if self._open and not self._lost and self._number - self._first <= MOST_ENDS:
                return
            self._lost = self._lost or self._open
        yield from self._taken()

    def _taken(self) -> Iterator[Line]:
        raw = None if self._lost else bytes(self._kept).rstrip(b"\r\n")
        line = Line(self._first, raw.removeprefix(_BOM) if raw is not None and self._first == 1 else raw)
        self._kept.clear()
        self._lost = self._open = False
        self._checked, self._first = 0, self._number
        if line.raw is None or line.raw.strip():
            yield line


class _TooManyQuoted(ValueError):
    """A line has more quoted cells than any of ours."""


def _open_after(line: bytearray, at: int, *, opened: bool) -> bool:
    """Whether a quoted field is open at the line's end, given whether one was at ``at``. Raises _TooManyQuoted."""
    if not opened and at == 0 and line.startswith(_BOM):
        at = len(_BOM)
        opened = line.startswith(b'"', at)
        at += opened
    for _ in range(2 * _MOST_QUOTED):
        found = _CLOSING.match(line, at) if opened else _OPENING.search(line, at)
        if found is None:
            return opened
        at, opened = found.end(), not opened
    raise _TooManyQuoted
