"""Searches files for values that must not be in them any more: PostgreSQL's data, Kafka's segments, exported logs.

A value is found as UTF-8, and as JSON that escapes what is not ASCII. In Kafka's segments compressed batches are
decompressed; any other file is searched as it is. So what PostgreSQL compresses (large values out of line) is not seen.
Values themselves are never returned: only the number of the line that has them.
"""

import json
import mmap
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode

SHORTEST: Final = 4  # bytes: what is shorter is found in any file
_SEGMENT: Final = ".log"
_HEADER: Final = 61  # bytes before a batch's records
_LENGTH_END: Final = 12  # bytes up to the end of a batch's length, which counts what follows
_MAGIC_AT, _MAGIC = 16, 2
_CODEC_AT, _CODEC_BITS = 22, 7
_DECODERS: Final = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}


class FoundValue(NamedTuple):
    """That a file has the value of a line, counted from 1. What a compressed batch shows both ways counts twice."""

    path: Path
    line: int
    times: int


class SearchedFiles(NamedTuple):
    """What was found, how many files and bytes were read, and the files that could not be."""

    found: list[FoundValue]
    files: int
    size: int
    unread: list[Path]


class ByteSearch:
    """The values of a text, one a line. Raises ValueError where one is too short, or none is given."""

    def __init__(self, text: str) -> None:
        values = {number: line.strip() for number, line in enumerate(text.splitlines(), 1) if line.strip()}
        if not values:
            raise ValueError("the file has no value; write one a line")
        short = [number for number, value in values.items() if len(value.encode()) < SHORTEST]
        if short:
            raise ValueError(
                f"the value of line {short[0]} is shorter than {SHORTEST} bytes and would be found anywhere"
            )
        self._lines: dict[bytes, list[int]] = {}
        for number, value in values.items():
            for form in dict.fromkeys((value.encode(), json.dumps(value)[1:-1].encode())):
                self._lines.setdefault(form, []).append(number)
        self.values = len(values)

    def times_in(self, content: "bytes | mmap.mmap") -> Counter[int]:
        """How often the values of which lines are in the bytes."""
        found: Counter[int] = Counter()
        for form, lines in self._lines.items():  # each by itself, since one may begin another
            times = _times_in(content, form)
            found.update(dict.fromkeys(lines, times) if times else {})
        return found


def _times_in(content: "bytes | mmap.mmap", form: bytes) -> int:
    """How often the bytes have the form, also where it overlaps itself. A regular expression takes 20 times as long."""
    times, at = 0, content.find(form)
    while at >= 0:
        times, at = times + 1, content.find(form, at + 1)
    return times


def search_files(search: ByteSearch, folders: Iterable[Path], *, leave_out: Path | None = None) -> SearchedFiles:
    """Search every file below the folders but the one with the values. A file that is gone meanwhile has none."""
    result = SearchedFiles([], 0, 0, [])
    for path in sorted({path.resolve() for folder in folders for path in _files(folder)}):
        if leave_out is not None and path == leave_out.resolve():
            continue
        try:
            size, times = _search_file(search, path)
        except FileNotFoundError:
            continue
        except OSError:
            result.unread.append(path)
            continue
        result.found.extend(FoundValue(path, line, number) for line, number in sorted(times.items()))
        result = result._replace(files=result.files + 1, size=result.size + size)
    return result


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder; a folder that can't be read is given itself, and then can't be read as a file."""
    try:
        entries = list(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.is_symlink() and not entry.is_dir():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


def _search_file(search: ByteSearch, path: Path) -> tuple[int, Counter[int]]:
    with path.open("rb") as file:
        size = path.stat().st_size
        if not size:
            return 0, Counter()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            times = search.times_in(content)
            if path.suffix == _SEGMENT:
                for records in _decompressed(content):
                    times.update(search.times_in(records))
    return size, times


def _decompressed(segment: mmap.mmap) -> Iterator[bytes]:
    """The records of the compressed batches. It ends where the bytes are no batch: segments end in zeros."""
    start = 0
    while start + _HEADER <= len(segment) and segment[start + _MAGIC_AT] == _MAGIC:
        end = start + _LENGTH_END + int.from_bytes(segment[start + 8 : start + _LENGTH_END])
        decode = _DECODERS.get(segment[start + _CODEC_AT] & _CODEC_BITS)
        if end <= start + _HEADER or end > len(segment):
            return
        if decode is not None:
            yield bytes(decode(segment[start + _HEADER : end]))
        start = end
