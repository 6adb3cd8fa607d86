"""Files are cut into parts that, put together, are what was written."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from services.control.job_files import PART, FileCutter

PIECES = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2 * PART + 1)), max_size=4)


@given(PIECES)
def test_the_parts_of_a_file_are_what_was_written(pieces: list[tuple[int, int]]) -> None:
    contents = [bytes([byte]) * length for byte, length in pieces]
    cutter = FileCutter()
    parts: dict[int, bytes] = {}
    for content in contents:
        whole = cutter.write(content)
        assert all(len(part.content) == PART for part in whole)
        parts |= dict(whole)
        parts |= dict(cutter.rest())  # stored before it is whole, and replaced then
    written = b"".join(contents)
    assert b"".join(parts[number] for number in sorted(parts)) == written
    assert sorted(parts) == list(range(len(parts)))
    assert (cutter.size, cutter.sha256) == (len(written), hashlib.sha256(written).digest())
