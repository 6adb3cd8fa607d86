"""Values are found wherever a server's files have their bytes, and never shown."""

from pathlib import Path

import orjson
import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from typer.testing import CliRunner

from services.cli import app
from services.verify.stored_bytes import ByteSearch, search_files

PHONE, NAME = "+886912345678", "王小明"
SEARCH = ByteSearch(f"{PHONE}\n\n{NAME}\n")
CODECS = {0: bytes, 1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}


def batch(records: bytes, codec: int = 0) -> bytes:
    """A record batch of the second format, of which only the parts that matter here are filled."""
    content = bytes(CODECS[codec](records))
    length = (49 + len(content)).to_bytes(4)
    return bytes(8) + length + bytes(4) + b"\x02" + bytes(4) + codec.to_bytes(2) + bytes(38) + content


@pytest.mark.parametrize("codec", CODECS)
def test_a_value_is_found_in_a_segment_whatever_compresses_its_batches(tmp_path: Path, codec: int) -> None:
    segment = tmp_path / "events-0" / "00000000000000000000.log"
    segment.parent.mkdir()
    noise = b"nothing of the person " * 50
    segment.write_bytes(batch(noise, codec) + batch(noise + NAME.encode() + noise, codec) + bytes(4096))
    (found,) = search_files(SEARCH, [tmp_path]).found
    assert found[:2] == (segment.resolve(), 3)
    assert found.times >= 1


def test_a_value_is_found_as_text_and_as_escaped_json_however_often(tmp_path: Path) -> None:
    page = tmp_path / "16384"
    page.write_bytes(bytes(100) + orjson.dumps({"phone": PHONE}) + b'"\\u738b\\u5c0f\\u660e"' + PHONE.encode())
    found = search_files(SEARCH, [tmp_path])
    assert [(one.line, one.times) for one in found.found] == [(1, 2), (3, 1)]


def test_a_value_that_begins_or_overlaps_another_is_found_too() -> None:
    search = ByteSearch("aaaa\naaaab")
    assert search.times_in(b"aaaaab") == {1: 2, 2: 1}


def test_a_clean_folder_has_none_and_every_file_of_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one").write_bytes(b"other")
    (tmp_path / "broken.log").write_bytes(batch(b"x")[:30])
    (tmp_path / "empty").touch()
    assert search_files(SEARCH, [tmp_path]) == ([], 3, 35, [])


@pytest.mark.parametrize("text", ["", " \n", "long enough\nabc"])
def test_no_value_and_short_ones_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="value"):
        ByteSearch(text)


def test_the_command_says_which_line_was_found_where_and_not_what(tmp_path: Path) -> None:
    values, data = tmp_path / "values.txt", tmp_path / "data"
    data.mkdir()
    values.write_text(f"absent value\n{PHONE}\n")
    arguments = ["verify", "--erased", str(values), "--in", str(data)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    (data / "page").write_bytes(PHONE.encode())
    for more in ([], ["--json"]):
        result = CliRunner().invoke(app, [*arguments, *more])
        assert result.exit_code == 1
        assert PHONE not in result.output
        assert "page" in result.output
    assert orjson.loads(result.stdout)["found"] == [{"path": str((data / "page").resolve()), "line": 2, "times": 1}]
    missing = CliRunner().invoke(app, ["verify", "--erased", str(values), "--in", str(tmp_path / "none")])
    assert missing.exit_code == 1
    assert "there is no folder" in missing.output


def test_the_file_of_values_itself_is_left_out(tmp_path: Path) -> None:
    values = tmp_path / "values.txt"
    values.write_text(PHONE)
    assert CliRunner().invoke(app, ["verify", "--erased", str(values), "--in", str(tmp_path)]).exit_code == 0
