"""Files of the log are private, whole, and give back the very bytes; what is wrong with them is found before use."""

import stat
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logfiles.folder import (
    FileWriter,
    WrongFolder,
    check,
    clean,
    locked,
    prepare,
    read_manifest,
    records_of,
    room_for,
    write_manifest,
)
from services.logfiles.manifest import ArchivedPartition, ArchivedTopic, LogFile, Manifest
from services.logfiles.record import LogRecord, from_line, to_line

RECORDS = [LogRecord(number, 1_700_000_000_000 + number, b"k%d" % number, b"\xff\x00" * 50) for number in range(20)]
BYTES = st.none() | st.binary(max_size=50) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))


@given(
    st.integers(0, 2**62),
    st.integers(0, 2**50),
    BYTES,
    BYTES,
    st.lists(st.tuples(st.text(max_size=5), BYTES)).map(tuple),
)
def test_a_line_gives_back_the_very_bytes(
    offset: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...],
) -> None:
    clean = tuple((name.encode("utf-8", "replace").decode(), content) for name, content in headers)
    record = LogRecord(offset, timestamp, key, value, clean)
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert from_line(line) == record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    prepare(made)
    files = [written(made, RECORDS[:12]), written(made, RECORDS[12:])]
    partition = ArchivedPartition(begin=0, end=20, files=files)
    topic = ArchivedTopic(topic_id="one", partitions={0: partition})
    write_manifest(made, Manifest(complete=True, topics={"channel-events": topic}))
    return made


def written(folder: Path, records: list[LogRecord]) -> LogFile:
    writer = FileWriter(folder, "channel-events", 0)
    writer.write(records)
    return writer.close()


def files_of(folder: Path) -> list[LogFile]:
    return read_manifest(folder).topics["channel-events"].partitions[0].files


def test_records_come_back_as_they_were(folder: Path) -> None:
    check(folder, read_manifest(folder), lambda _: None)
    assert [one for file in files_of(folder) for one in records_of(folder, file)] == RECORDS


def test_only_the_owner_can_read_the_folder_and_its_files(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(path: Path) -> None:
    """With the first file of the partition."""
    (first,) = (one for one in path.parent.glob("channel-events*") if one != path)
    content = first.read_bytes()
    path.replace(first)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut_off, "it was cut off"),
        (damage, "is damaged"),
        (Path.unlink, "is missing"),
        (swap, "is another file|is damaged"),
    ],
    ids=["cut off", "damaged", "missing", "swapped"],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(folder: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(folder / files_of(folder)[1].name)
    with pytest.raises(WrongFolder, match=said):
        check(folder, read_manifest(folder), lambda _: None)


def test_a_manifest_whose_files_do_not_follow_each_other_is_refused(folder: Path) -> None:
    manifest = read_manifest(folder)
    manifest.topics["channel-events"].partitions[0].files.reverse()
    with pytest.raises(WrongFolder, match="does not follow"):
        check(folder, manifest, lambda _: None)


def test_a_manifest_that_was_cut_off_is_refused(folder: Path) -> None:
    cut_off(folder / "manifest.json")
    with pytest.raises(WrongFolder, match="is not a manifest"):
        read_manifest(folder)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(folder: Path) -> None:
    manifest = read_manifest(folder)
    manifest.topics["channel-events"].partitions[0].files[0].name = "../secret"
    with pytest.raises(WrongFolder, match="is missing"):
        check(folder, manifest, lambda _: None)


def test_two_exports_into_one_folder_at_once_are_refused(folder: Path) -> None:
    with locked(folder), pytest.raises(WrongFolder, match="Another export or import"), locked(folder):
        pass


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear all")
    with pytest.raises(WrongFolder, match="other files"):
        prepare(tmp_path)


def test_what_an_interrupted_export_left_is_removed(folder: Path) -> None:
    (folder / "channel-events-00001.part").write_bytes(b"half a file")
    prepare(folder)
    clean(folder)
    assert not list(folder.glob("*.part"))


def test_a_file_that_is_given_up_leaves_nothing(folder: Path) -> None:
    writer = FileWriter(folder, "channel-events", 1)
    writer.write(RECORDS)
    writer.abandon()
    assert not list(folder.glob("*.part"))


def test_a_full_disk_is_said_with_what_to_do(folder: Path) -> None:
    with pytest.raises(WrongFolder, match="make room"), room_for(folder):
        raise OSError(ENOSPC, "no space")


def test_offsets_hold_only_where_none_is_left_out() -> None:
    file = LogFile(name="a", first=0, last=9, records=10, bytes=1, sha256="")
    assert ArchivedPartition(begin=0, end=10, files=[file]).exact
    assert not ArchivedPartition(begin=0, end=11, files=[file]).exact
    assert not ArchivedPartition(begin=5, end=10, files=[file]).exact
