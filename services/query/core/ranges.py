"""The part of a file that a request asks for, by its header ``Range`` (RFC 9110, section 14; pure)."""

import re
from typing import Final, NamedTuple

_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})[ \t]*-[ \t]*(\d{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


class ByteRange(NamedTuple):
    """The bytes from ``start`` to before ``end``."""

    start: int
    end: int


class Unsatisfiable(ValueError):
    """The file has no byte of the range that is asked for."""


def asked_range(header: str | None, size: int) -> ByteRange | None:
    """The range that is asked for of a file of so many bytes; None for the whole file. Raises Unsatisfiable.

    Several ranges, and what is none, are answered by the whole file, as the standard allows.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise Unsatisfiable(Unsatisfiable.__doc__)
    return ByteRange(start, end)
