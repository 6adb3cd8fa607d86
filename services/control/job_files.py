"""Files that jobs made, in the control schema, so that every process can serve them.

A file is cut into parts of `PART` bytes, the last of which may be shorter.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import JOB_FILES
from services.control.errors import FileGone
from services.runtime.database import read, read_one

PART: Final = 1 << 20  # bytes


class FilePart(NamedTuple):
    """A part of a file, by its number from 0."""

    number: int
    content: bytes


class FileCutter:
    """Cuts what is written to a file into parts; it keeps less than one part, and the hash of everything."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = bytearray()
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> bytes:
        """The hash of all that was written."""
        return self._hash.digest()

    def write(self, content: bytes) -> list[FilePart]:
        """Take further bytes; the parts that are whole now."""
        self._hash.update(content)
        self.size += len(content)
        self._rest += content
        whole = []
        while len(self._rest) >= PART:
            whole.append(FilePart(self._number, bytes(self._rest[:PART])))
            del self._rest[:PART]
            self._number += 1
        return whole

    def rest(self) -> list[FilePart]:
        """The last part as it is so far, if there is any of it. It is given again when more is written."""
        return [FilePart(self._number, bytes(self._rest))] if self._rest else []


async def save_parts(connection: AsyncConnection, job_id: UUID, parts: Sequence[FilePart]) -> None:
    """Store parts; one that was stored before it was whole is replaced."""
    if not parts:
        return
    rows = [
        {
            "job_id": job_id,
            "part": part.number,
            "size": len(part.content),
            "sha256": hashlib.sha256(part.content).digest(),
            "content": part.content,
        }
        for part in parts
    ]
    added = insert(JOB_FILES)
    changed = {name: added.excluded[name] for name in ("size", "sha256", "content")}
    await connection.execute(added.on_conflict_do_update(index_elements=["job_id", "part"], set_=changed), rows)


async def drop_parts(connection: AsyncConnection, job_id: UUID) -> None:
    """Delete everything of a job's file."""
    await connection.execute(sa.delete(JOB_FILES).where(JOB_FILES.c.job_id == job_id))


async def stored_so_far(engine: AsyncEngine, job_id: UUID) -> FileCutter:
    """A cutter that goes on where the stored parts end."""
    cutter = FileCutter()
    numbers = sa.select(JOB_FILES.c.part).where(JOB_FILES.c.job_id == job_id).order_by(JOB_FILES.c.part)
    for row in await read(engine, numbers):
        cutter.write(await _part(engine, job_id, row["part"], 0, PART))
    return cutter


async def read_bytes(engine: AsyncEngine, job_id: UUID, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from ``start`` to before ``end``, at most a part at a time. Raises FileGone."""
    while start < end:
        number, offset = divmod(start, PART)
        content = await _part(engine, job_id, number, offset, min(PART - offset, end - start))
        yield content
        start += len(content)


async def _part(engine: AsyncEngine, job_id: UUID, number: int, offset: int, length: int) -> bytes:
    piece = sa.func.substring(JOB_FILES.c.content, offset + 1, length)
    query = sa.select(piece.label("piece")).where(JOB_FILES.c.job_id == job_id, JOB_FILES.c.part == number)
    row = await read_one(engine, query)
    if row is None or not row["piece"]:
        raise FileGone(FileGone.__doc__)
    return bytes(row["piece"])
