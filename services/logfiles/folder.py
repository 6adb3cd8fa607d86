"""The files of a folder: a file counts once it is whole, flushed and in the manifest, which is replaced at once."""

import fcntl
import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from services.logfiles.manifest import FORMAT, NAME, LogFile, Manifest, gaps
from services.logfiles.record import LogRecord, from_line, to_line
from services.runtime.errors import ForeseenError

FILE_BYTES: Final = 128 * 1024**2  # of records, before they are compressed
_LOCK: Final = ".lock"
_PART: Final = ".part"
_LEVEL: Final = 1  # of gzip: higher ones cost several times as much for a few per cent
_FULL: Final = (ENOSPC, EDQUOT)


class WrongFolder(ForeseenError):
    """The folder, or a file in it, is not what it should be. The message says what to do."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else exports into the folder or imports from it meanwhile. Raises WrongFolder."""
    if not folder.is_dir():
        raise WrongFolder(f"There is no folder {folder}.")
    with _private(folder / _LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongFolder(
                f"Another export or import uses {folder}. Wait for its end, or use another folder."
            ) from None
        yield


def prepare(folder: Path) -> None:
    """Make the folder, for its owner only. Raises WrongFolder if it has other things."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / NAME).exists() and any(one.name != _LOCK and _PART not in one.name for one in folder.iterdir()):
        raise WrongFolder(f"{folder} has other files, and no {NAME}. Use an empty folder.")


def clean(folder: Path) -> None:
    """Remove what an interrupted export has left. Nobody else may use the folder."""
    for left in folder.glob(f"*{_PART}"):
        left.unlink()


def read_manifest(folder: Path) -> Manifest:
    """The manifest; an empty one if there is none yet. Raises WrongFolder."""
    try:
        found = Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        return Manifest()
    except ValidationError as error:
        raise WrongFolder(f"{folder / NAME} is not a manifest of this version: {error.error_count()} errors.") from None
    if found.format != FORMAT:
        raise WrongFolder(f"{folder / NAME} has format {found.format}; this version reads {FORMAT}.")
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest at once. Raises WrongFolder if the disk is full."""
    write_file(folder, NAME, manifest.model_dump_json(indent=1).encode())


def write_file(folder: Path, name: str, content: bytes) -> None:
    """Replace a file at once. Raises WrongFolder if the disk is full."""
    part = folder / f"{name}{_PART}"
    with room_for(folder), _private(part) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _rename(part, folder / name)


class FileWriter:
    """Writes the records of one file. It has its name once it is closed."""

    def __init__(self, folder: Path, topic: str, partition: int) -> None:
        self._folder, self._stem = folder, f"{topic}-{partition:05}"
        self._part = folder / f"{self._stem}{_PART}"
        self._raw = _private(self._part)
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=self._raw, mtime=0)
        self.first = self.last = -1
        self.records = self.size = 0

    def write(self, records: Iterable[LogRecord]) -> None:
        """Append records. Raises WrongFolder if the disk is full."""
        with room_for(self._folder):
            for record in records:
                line = to_line(record)
                self._gzip.write(line)
                self.first = record.offset if self.first < 0 else self.first
                self.last, self.records, self.size = record.offset, self.records + 1, self.size + len(line)

    def close(self) -> LogFile:
        """Flush the file and give it its name. Raises WrongFolder if the disk is full."""
        with room_for(self._folder):
            self._gzip.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
        name = f"{self._stem}-{self.first:020}.jsonl.gz"
        size, digest = self._part.stat().st_size, _digest(self._part)
        _rename(self._part, self._folder / name)
        return LogFile(name=name, first=self.first, last=self.last, records=self.records, bytes=size, sha256=digest)

    def abandon(self) -> None:
        """Remove what was written."""
        with suppress(OSError):  # it is being removed because the disk is full, perhaps
            self._gzip.close()
        with suppress(OSError):
            self._raw.close()
        self._part.unlink(missing_ok=True)


def check(folder: Path, manifest: Manifest, on_file: Callable[[LogFile], None]) -> None:
    """Compare each file with the manifest. Raises WrongFolder with all that is wrong."""
    wrong = list(gaps(manifest))
    for topic in manifest.topics.values():
        for file in (one for each in topic.partitions.values() for one in each.files):
            wrong += _problems(folder, file)
            on_file(file)
    if wrong:
        advice = "Restore the files from another copy, or export anew into another folder. Nothing was imported."
        raise WrongFolder("\n".join([*wrong, advice]))


def records_of(folder: Path, file: LogFile) -> Iterator[LogRecord]:
    """The records of a file that was checked, one by one."""
    with gzip.open(folder / file.name) as lines:
        yield from map(from_line, lines)


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Raises WrongFolder instead of the error of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise WrongFolder(
            f"The disk of {folder} is full. The files that are whole stay: make room, and run the same command again."
        ) from None


def _problems(folder: Path, file: LogFile) -> Iterator[str]:
    path = folder / file.name
    if path.parent != folder or not path.is_file():
        yield f"{file.name} is missing."
    elif (size := path.stat().st_size) != file.bytes:
        yield f"{file.name} has {size:,} bytes instead of {file.bytes:,}: it was cut off, or is another file."
    elif _digest(path) != file.sha256:
        yield f"{file.name} is damaged: its checksum is another one."


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rename(path: Path, to: Path) -> None:
    path.replace(to)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: Path) -> BinaryIO:
    """The file, empty, for its owner only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
