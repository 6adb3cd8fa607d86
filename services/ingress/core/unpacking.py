"""Compressed bodies, unpacked no further than a limit: a kilobyte can hold gigabytes of zeros."""

import zlib
from typing import Final

_GZIP: Final = 31  # zlib's number for "a gzip header, and the largest window"
_STEP: Final = 1_048_576


class NotGzip(ValueError):  # noqa: N818 - named by what it is
    """The body is not gzip, or ends before it should."""


class UnpacksTooLarge(ValueError):  # noqa: N818 - named by what it is
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
