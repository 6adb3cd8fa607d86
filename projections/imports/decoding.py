"""The encoding of a CSV file: found by reading all of it, never by statistics."""

import codecs
from typing import BinaryIO, Final

from projections.imports.errors import NotReadable
from projections.imports.order import EncodingName

_PIECE: Final = 1 << 16  # bytes
_MARKS: Final[dict[bytes, EncodingName]] = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CODECS: Final[dict[EncodingName, str]] = {"utf-8": "utf-8-sig"}


def codec_of(name: EncodingName) -> str:
    """Python's name of the codec that also takes a byte order mark away."""
    return _CODECS.get(name, name)


def encoding_of(file: BinaryIO, named: EncodingName | None) -> EncodingName:
    """The encoding in which the whole file can be read: the one that is named; else by its mark, UTF-8, or cp950.

    The file is read from its beginning, and left there. Raises NotReadable, with the line and the byte in it, from 1.
    """
    if named is not None:
        _check(file, named)
        return named
    file.seek(0)
    marked = _MARKS.get(file.read(2))
    if marked is not None:
        _check(file, marked)
        return marked
    try:
        _check(file, "utf-8")
    except NotReadable as error:
        try:
            _check(file, "cp950")
        except NotReadable:
            raise NotReadable(
                f"It is neither UTF-8 ({error}) nor, as a whole, cp950 (Big5). Save it as UTF-8, or name its encoding."
            ) from None
        return "cp950"
    return "utf-8"


def _check(file: BinaryIO, name: EncodingName) -> None:
    """Read all of it. Raises NotReadable for a byte that the encoding does not have there."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    file.seek(0)
    line, column = 1, 0  # of bytes that were read
    while True:
        piece = file.read(_PIECE)
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line, column = _advanced(line, column - len(pending), error.object[: error.start])
            raise NotReadable(f"line {line}, byte {column + 1} is not {name}") from None
        if "\x00" in text:
            raise NotReadable(f"it has NUL characters, so it is no text in {name}")
        if not piece:
            break
        line, column = _advanced(line, column, piece)
    file.seek(0)


def _advanced(line: int, column: int, passed: bytes) -> tuple[int, int]:
    """The line, and the bytes of it that were passed, after further bytes."""
    ends = passed.count(b"\n")
    return (line + ends, len(passed) - passed.rfind(b"\n") - 1) if ends else (line, column + len(passed))
