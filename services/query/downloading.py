"""Saves the file of a job, and goes on where a download broke off, in the same command or in a later one."""

import hashlib
import time
from pathlib import Path
from typing import Final

import httpx

from services.query.core.job_models import JobFileView, JobView
from services.query.read_client import ReadClient
from services.runtime.terminal import progress_bar

_MOST_IN_VAIN: Final = 5  # tries in a row that bring no byte
_REST: Final = 1.0  # seconds before the next try, times the number of those in vain
_PIECE: Final = 1 << 20


class Broken(Exception):
    """What was saved is not the file; the message says what to do."""


def part_of(target: Path) -> Path:
    """Where a file is while it is not whole."""
    return target.with_name(f"{target.name}.part")


def download(client: ReadClient, job: JobView, target: Path) -> None:
    """Save the file of a job that is done. What an earlier download left beside the target is not asked for again.

    Raises Broken, CannotRead and OSError.
    """
    file, part = job.file, part_of(target)
    if file is None:
        raise Broken("The job has no file.")
    with progress_bar() as bar:
        shown = bar.add_task("saving", total=file.bytes)
        in_vain = 0
        while (saved := part.stat().st_size if part.exists() else 0) < file.bytes:
            bar.update(shown, completed=saved)
            in_vain = 0 if _add_to(client, job, file, part) else in_vain + 1
            if in_vain == _MOST_IN_VAIN:
                raise Broken(
                    f"The download broke off again and again. {target.name} is at {saved:,} bytes: go on later."
                )
            time.sleep(_REST * in_vain)
        bar.update(shown, completed=file.bytes)
    if _sha256(part) != file.sha256:
        part.unlink()
        raise Broken("What was saved was not this file, and was deleted. Try again.")
    part.rename(target)


def _add_to(client: ReadClient, job: JobView, file: JobFileView, part: Path) -> bool:
    """Save what is left, as far as it comes; whether anything came."""
    with part.open("ab") as opened:
        start = opened.tell()
        try:
            for piece in client.pieces(job.id, start, file.sha256):
                opened.write(piece)
        except httpx.TransportError:  # it broke off
            pass
        return opened.tell() > start


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as opened:
        while piece := opened.read(_PIECE):
            found.update(piece)
    return found.hexdigest()
