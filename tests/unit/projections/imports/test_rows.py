import csv
import io
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.imports.errors import NotReadable
from projections.imports.rows import LONGEST_ROW, MOST_LINES, SourceRow, read_table

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


def rows(content: bytes, **named: Any) -> list[SourceRow]:
    return list(read_table(io.BytesIO(content), named.get("encoding"), named.get("delimiter")).rows)


def workbook(*lines: list[Any]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.worksheets[0].append(line)
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950", "utf-16"])
def test_a_file_in_chinese_is_read_in_the_encodings_that_excel_writes(encoding: str) -> None:
    table = read_table(io.BytesIO("會員編號,姓名\r\n007,王小明\r\n".encode(encoding)), None, None)
    assert (table.header, [row.cells for row in table.rows]) == (("會員編號", "姓名"), [("007", "王小明")])
    assert table.encoding == encoding.removesuffix("-sig")


@pytest.mark.parametrize("encoding", ["big5hkscs", "gbk", "shift_jis"])
def test_a_named_encoding_is_used(encoding: Any) -> None:
    assert rows("id,名\n1,山田\n".encode(encoding), encoding=encoding)[0].cells == ("1", "山田")


def test_what_is_neither_utf8_nor_cp950_is_refused_with_line_and_byte() -> None:
    with pytest.raises(NotReadable, match="line 3, byte 3 is not utf-8"):
        rows(b"id,name\n1,a\n2,\xff\xff\n")


def test_one_broken_character_in_a_long_utf8_file_is_placed_exactly() -> None:
    with pytest.raises(NotReadable, match="line 20002, byte 4 is not utf-8"):
        rows("名\n".encode() * 20_001 + "名".encode() + b"\xff\xff", encoding="utf-8")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_that_the_titles_have(delimiter: str) -> None:
    assert rows(f"id{delimiter}a, b; c\n".replace("a, b; c", "name").encode() + f"1{delimiter}x\n".encode())[
        0
    ].cells == (
        "1",
        "x",
    )


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=5))
def test_what_a_csv_writer_wrote_is_read_back(lines: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *lines])
    assert [list(row.cells) for row in rows(text.getvalue().encode())] == lines


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_are_refused(content: bytes) -> None:
    try:
        found = rows(b"id,name\n" + content)
    except NotReadable:
        return
    assert [row.line for row in found] == sorted({row.line for row in found})


def test_every_row_is_given_with_the_line_where_it_begins_also_empty_ones() -> None:
    found = rows(b'id,name\n1,"a\nb"\n\n,\n2,c')
    assert [(row.line, row.is_empty) for row in found] == [(2, False), (4, True), (5, True), (6, False)]


def test_a_quote_that_is_not_closed_costs_its_own_line_alone() -> None:
    found = rows(b'id,name\n1,"a\n' + b"2,b\n" * (MOST_LINES + 5))
    assert [row.problem for row in found if row.problem] == ["a quoted cell is not closed, or goes on after its end"]
    assert len(found) == MOST_LINES + 6


def test_a_row_that_is_too_long_is_refused_and_the_next_one_is_read() -> None:
    found = rows(b"id,name\n1," + b"x" * (3 * LONGEST_ROW) + b"\n2,b\n")
    assert [bool(row.problem) for row in found] == [True, False]
    assert found[1] == SourceRow(3, ("2", "b"))


def test_a_workbook_gives_texts_with_their_zeros_and_numbers_as_numbers() -> None:
    found = rows(workbook(["id", "n"], ["007", 5], [None, None], ["8", 1.5]))
    assert [row.cells for row in found] == [("007", 5), (), ("8", 1.5)]


def test_a_broken_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("xl/workbook.xml", "<no")
    with pytest.raises(NotReadable, match="workbook"):
        rows(file.getvalue())


def test_a_file_without_a_line_is_refused() -> None:
    with pytest.raises(NotReadable, match="empty"):
        rows(b"\n\n")
