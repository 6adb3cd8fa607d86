"""Unpacks compressed bodies up to a limit: a kilobyte can hold gigabytes of zeros.

The work is linear in the bytes of a body, packed and unpacked. zlib copies what is left of its input wherever it stops,
so it gets a short slice at a time, and a body has a limited number of gzip members.
"""

import zlib
from collections.abc import Generator, Iterator
from typing import Final

_GZIP: Final = 31  # zlib's number for "a gzip header, and the largest window"
_STEP: Final = 1_048_576
_SLICE: Final = 4_096
# As many as a body may have events, and some more.
MOST_MEMBERS: Final = 16_384


class NotGzip(ValueError):
    """The body is not gzip, ends before it should, or is of too many members."""


class UnpacksTooLarge(ValueError):
    """Unpacked, the body is larger than allowed."""


def gunzip(raw: bytes, limit: int) -> bytes:
    """The unpacked body, of one member or several, at most ``limit`` bytes. Raises NotGzip or UnpacksTooLarge."""
    unpacking = Gunzip(limit)
    unpacked = b"".join(unpacking.feed(raw))
    unpacking.finish()
    return unpacked


class Gunzip:
    """A packed body unpacked as it comes in, piece by piece, no piece larger than a megabyte."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Unpack the next piece of the body. Raises NotGzip or UnpacksTooLarge."""
        for start in range(0, len(raw), _SLICE):
            yield from self._feed(raw[start : start + _SLICE])

    def _feed(self, raw: bytes) -> Iterator[bytes]:
        while raw:
            if self._member.eof:
                raw = raw.lstrip(b"\x00")  # padding after the end is allowed
                if not raw:
                    return
                self._begin()
            raw = yield from self._unpack(raw)

    def _begin(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise NotGzip(f"the body has more than {MOST_MEMBERS} gzip members")
        self._member = zlib.decompressobj(_GZIP)

    def _unpack(self, raw: bytes) -> Generator[bytes, None, bytes]:
        while not self._member.eof and raw:
            try:
                piece = self._member.decompress(raw, min(_STEP, self._left + 1))
            except zlib.error:
                raise NotGzip("the body is not gzip") from None
            self._left -= len(piece)
            if self._left < 0:
                raise UnpacksTooLarge(f"unpacked, the body has more than {self._limit} bytes")
            raw = self._member.unconsumed_tail
            if piece:
                yield piece
        return self._member.unused_data

    def finish(self) -> None:
        """The body has ended. Raises NotGzip if it should not have."""
        if not self._member.eof:
            raise NotGzip("the body ends before its gzip does")
