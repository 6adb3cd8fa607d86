"""Which bytes of a file a request asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.core.ranges import ByteRange, Unsatisfiable, asked_range


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-5", ByteRange(2, 6)),
        ("bytes=2-", ByteRange(2, 10)),
        ("Bytes = 2 - 99", ByteRange(2, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-99", ByteRange(0, 10)),
    ],
)
def test_one_range_is_read_as_the_standard_says(header: str, found: ByteRange) -> None:
    assert asked_range(header, 10) == found


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=٣-"]
)
def test_what_is_no_single_range_asks_for_the_whole_file(header: str | None) -> None:
    assert asked_range(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=99-100", 10)]
)
def test_a_range_beyond_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, size)


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True), st.integers(0, 5000))
def test_a_range_is_never_empty_nor_beyond_the_file(header: str, size: int) -> None:
    try:
        found = asked_range(header, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size
