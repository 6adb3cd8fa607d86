"""A download goes on where it broke off, and only the whole file gets its name."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from services.query import downloading
from services.query.core.job_models import JobFileView, JobProgress, JobView
from services.query.downloading import Broken, download, part_of
from services.query.read_client import CannotRead, ReadClient

CONTENT = bytes(range(256)) * 8
HASH = hashlib.sha256(CONTENT).hexdigest()
JOB = UUID(int=1)


class BreakingStream(httpx.SyncByteStream):
    """Some bytes, and then the connection is gone."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.ReadError("the connection is gone")


class FileServer:
    """Serves the file by ranges, at most ``most`` bytes at a time; ``tag`` is the hash that it is served under."""

    def __init__(self, most: int, tag: str = HASH) -> None:
        self._most = most
        self._tag = tag
        self.starts: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        start = int(request.headers.get("range", "bytes=0-")[len("bytes=") : -1])
        self.starts.append(start)
        if request.headers.get("if-range", f'"{self._tag}"') != f'"{self._tag}"':
            return httpx.Response(200, content=CONTENT)
        piece = CONTENT[start : start + self._most]
        stream = BreakingStream(piece) if start + self._most < len(CONTENT) else httpx.ByteStream(piece)
        return httpx.Response(206 if start else 200, stream=stream)


def client_of(server: FileServer) -> ReadClient:
    return ReadClient("http://onefold", "a key", transport=httpx.MockTransport(server))


def made(sha256: str = HASH) -> JobView:
    file = JobFileView(href="/", name="a.csv", type="text/csv", bytes=len(CONTENT), sha256=sha256, expires_at=1)
    progress = JobProgress(done=1, total=1)
    fields = dict.fromkeys(JobView.model_fields) | {"id": JOB, "kind": "export", "state": "done", "attempt": 1}
    return JobView.model_validate(fields | {"progress": progress, "requested_by": "a", "requested_at": 0, "file": file})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try follows without a rest."""
    monkeypatch.setattr(downloading, "_REST", 0)


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path) -> None:
    server, target = FileServer(700), tmp_path / "a.csv"
    download(client_of(server), made(), target)
    assert target.read_bytes() == CONTENT
    assert server.starts == [0, 700, 1400]
    assert list(tmp_path.iterdir()) == [target]


def test_a_later_download_goes_on_with_what_an_earlier_one_saved(tmp_path: Path) -> None:
    server, target = FileServer(len(CONTENT)), tmp_path / "a.csv"
    part_of(target).write_bytes(CONTENT[:1000])
    download(client_of(server), made(), target)
    assert (target.read_bytes(), server.starts) == (CONTENT, [1000])


def test_a_download_that_brings_nothing_ends_and_keeps_what_it_has(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with pytest.raises(Broken, match="again and again"):
        download(client_of(FileServer(0)), made(), target)
    assert not target.exists()


def test_another_file_is_never_put_together_with_what_was_saved(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    part_of(target).write_bytes(CONTENT[:1000])
    with pytest.raises(CannotRead, match="another one"):
        download(client_of(FileServer(700, "other")), made(), target)
    part_of(target).write_bytes(b"x" * 1000)
    with pytest.raises(Broken, match="not this file"):
        download(client_of(FileServer(len(CONTENT))), made(), target)
    assert list(tmp_path.iterdir()) == []
