"""Lines are the same however a body is cut into pieces, and none is kept that is too long."""

import csv
import io
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingress.core.lines import MOST_ENDS, Line, Lines


def lines(pieces: list[bytes], longest: int = 100, *, quoted: bool = False) -> list[Line]:
    cutter = Lines(longest, quoted=quoted)
    return [line for piece in pieces for line in cutter.feed(piece)] + list(cutter.finish())


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places})
    return [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True)]


def test_lines_have_numbers_and_no_ends_and_blank_ones_are_left_out() -> None:
    assert lines([b"a\r\n\nb"]) == [Line(1, b"a"), Line(3, b"b")]
    assert lines([b"\n \t\r\n", b" ", b"\na\n\n"]) == [Line(4, b"a")]
    assert lines([b"a\n"]) == [Line(1, b"a")]
    assert lines([]) == []


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line() -> None:
    assert lines([b"\xef\xbb", b"\xbfa\n\xef\xbb\xbfb"]) == [Line(1, b"a"), Line(2, b"\xef\xbb\xbfb")]
    assert lines([b'\xef\xbb\xbf"a\nb",c\nd'], quoted=True) == [Line(1, b'"a\nb",c'), Line(3, b"d")]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_line_that_is_too_long_is_not_kept_and_spoils_no_other(*, quoted: bool) -> None:
    cutter = Lines(10, quoted=quoted)
    got: list[Line] = []
    for _ in range(100):
        got += cutter.feed(b'x,"' + b"y" * 7)
        assert len(cutter._kept) <= 12
    got += cutter.feed(b"\nok\n")
    assert [*got, *cutter.finish()] == [Line(1, None), Line(2, b"ok")]
    assert lines([b"0123456789\r\n0123456789\n0123456789abc"], 10) == [
        Line(1, b"0123456789"),
        Line(2, b"0123456789"),
        Line(3, None),
    ]


def test_a_line_of_very_many_lines_is_not_kept_and_spoils_no_other() -> None:
    fits, too_many = b'"' + b"\n" * MOST_ENDS + b'"', b'"' + b"\n" * (MOST_ENDS + 1)
    got = lines([fits + b"\n" + too_many, b"\nok"], 10_000, quoted=True)
    assert got == [Line(1, fits), Line(MOST_ENDS + 2, None), Line(2 * MOST_ENDS + 4, b"ok")]


@pytest.mark.parametrize(
    "part",
    [b'"a\nb', b'"\n', b'""\n', b'"",', b'"a"\n,', b',"\n\n"'],
    ids=["open", "ends", "pairs", "cells", "both", "c"],
)
def test_no_bytes_keep_a_line_under_way_for_long(part: bytes) -> None:
    cutter = Lines(262_144, quoted=True)
    body = b'"' + part * (500_000 // len(part))
    ends = [line.number for line in cutter.feed(body)]
    assert max(after - before for before, after in itertools.pairwise([1, *ends, body.count(b"\n")])) <= MOST_ENDS + 2


def test_a_line_of_very_many_quoted_cells_is_not_kept() -> None:
    assert lines([b'"",' * 5_000 + b"\nok"], 100_000, quoted=True) == [Line(1, None), Line(2, b"ok")]


def test_a_quoted_cell_may_hold_the_end_of_a_line() -> None:
    body = b'contact,text\nweb:s:1,"two\nlines, ""so"" it is"\nweb:s:2,"x\n\n"\nweb:s:3,6" pipe\nlast,'
    assert lines([body], quoted=True) == [
        Line(1, b"contact,text"),
        Line(2, b'web:s:1,"two\nlines, ""so"" it is"'),
        Line(4, b'web:s:2,"x\n\n"'),
        Line(7, b'web:s:3,6" pipe'),
        Line(8, b"last,"),
    ]


class CountingLines(Lines):
    """Lines that counts how often it has to look at one by itself."""

    ended = 0

    def _ended(self) -> Iterator[Line]:
        self.ended += 1
        return super()._ended()


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_million_blank_lines_are_passed_over_at_once(blank: bytes, *, quoted: bool) -> None:
    cutter = CountingLines(100, quoted=quoted)
    got = [line for _ in range(10) for line in cutter.feed(blank * 100_000)]
    got += cutter.feed(b"end\n")
    assert got == [Line(1_000_001, b"end")]
    assert cutter.ended == 1


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5), st.booleans())
@example(b'"\n"\n"', [1, 2], True)  # noqa: FBT003 - an example's arguments are given by place
def test_how_a_body_is_cut_shows_nowhere(body: bytes, places: list[int], quoted: bool) -> None:
    assert lines(cut(body, places), 20, quoted=quoted) == lines([body], 20, quoted=quoted)


cells = st.text(alphabet='ab,"\n é', max_size=6)


@given(st.lists(st.lists(cells, min_size=2, max_size=3), max_size=5), st.lists(st.integers(0, 100), max_size=5))
def test_what_a_csv_writer_wrote_is_read_row_by_row(rows: list[list[str]], places: list[int]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    found = lines(cut(written.getvalue().encode(), places), 1000, quoted=True)
    texts = [line.raw.decode() for line in found if line.raw is not None]
    assert [next(csv.reader([text], strict=True), []) for text in texts] == rows
