"""Unpacks compressed bodies up to a limit: a kilobyte can hold gigabytes of zeros."""

import zlib
from collections.abc import Generator, Iterator
from typing import Final

_GZIP: Final = 31  # zlib's number for "a gzip header, and the largest window"
_STEP: Final = 1_048_576


class NotGzip(ValueError):
    """The body is not gzip, or ends before it should."""


class UnpacksTooLarge(ValueError):
    """Unpacked, the body is larger than allowed."""


def gunzip(raw: bytes, limit: int) -> bytes:
    """The unpacked body, of one member or several, at most ``limit`` bytes. Raises NotGzip or UnpacksTooLarge."""
    unpacked = bytearray()
    while True:
        member = zlib.decompressobj(_GZIP)
        try:
            raw = _member(member, raw, unpacked, limit)
        except zlib.error:
            raise NotGzip("the body is not gzip") from None
        if not raw.strip(b"\x00"):  # padding after the end is allowed
            return bytes(unpacked)


def _member(member: "zlib._Decompress", raw: bytes, unpacked: bytearray, limit: int) -> bytes:
    """Unpack one member onto the end of ``unpacked``; what follows it in ``raw``."""
    while not member.eof:
        piece = member.decompress(raw, min(_STEP, limit + 1 - len(unpacked)))
        unpacked += piece
        if len(unpacked) > limit:
            raise UnpacksTooLarge(f"unpacked, the body has more than {limit} bytes")
        raw = member.unconsumed_tail
        if not piece and not raw and not member.eof:
            raise NotGzip("the body ends before its gzip does")
    return member.unused_data


class Gunzip:
    """A packed body unpacked as it comes in, piece by piece, no piece larger than a megabyte."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Unpack the next piece of the body. Raises NotGzip or UnpacksTooLarge."""
        while raw:
            if self._member.eof:
                raw = raw.lstrip(b"\x00")  # padding after the end is allowed
                if not raw:
                    return
                self._member = zlib.decompressobj(_GZIP)
            raw = yield from self._unpack(raw)

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
