"""An order that fits no rows is refused, titles differ, and what is written of a file can be read back."""

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from projections.exports import writing
from projections.exports.headings import CHINESE, ENGLISH, header_of
from projections.exports.order import ExportOrder
from projections.exports.writing import CsvRows, TooLongCell, TooManyRows, XlsxWriter, csv_header, typed_cells

EVERYBODY = {"contacts": {"gte": 1}}
EVERY_COLUMN = list(ENGLISH)


def order_of(**fields: Any) -> ExportOrder:
    return ExportOrder.model_validate({"filter": EVERYBODY} | fields)


@pytest.mark.parametrize("language", ["en", "zh-Hant", "names"])
def test_every_column_has_a_title_of_its_own(language: Any) -> None:
    order = order_of(rows="contacts", columns=EVERY_COLUMN, header=language)
    header = header_of(order, ["size"])
    assert len(set(header)) == len(header) == len(EVERY_COLUMN) + 1 == len(CHINESE) + 1
    assert header[-1] == "size"


def test_an_order_that_fits_no_rows_is_refused() -> None:
    for columns in (["contact"], ["name", "name"], []):
        with pytest.raises(ValidationError):
            order_of(columns=columns)
    with pytest.raises(ValidationError):
        order_of(channels=["line"])
    with pytest.raises(ValidationError, match="Asia/Taipei"):
        order_of(zone="Formosa")


def test_the_header_of_a_csv_file_may_begin_with_a_byte_order_mark() -> None:
    assert csv_header(["a", 'b"'], bom=True) == b'\xef\xbb\xbfa,"b"""\n'
    assert csv_header(["a"], bom=False) == b"a\n"


CELLS = st.text(st.sampled_from('a"\r\n,'), max_size=4)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5), st.integers(1, 7))
def test_rows_are_counted_wherever_the_pieces_are_cut(rows: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    content, counted = text.getvalue().encode(), CsvRows()
    for start in range(0, len(content), size):
        counted.add(content[start : start + size])
    assert counted.count == len(rows)


def test_attributes_keep_their_type() -> None:
    values = [-1.5, 7, "-1.5", "M", False, None]
    cells = typed_cells(["name", None, *(None if one is None else orjson.dumps(one) for one in values)], 2)
    assert cells == ["name", None, -1.5, 7, "'-1.5", "M", "false", None]


def test_a_workbook_has_texts_and_numbers_but_no_formula(tmp_path: Path) -> None:
    table: list[list[Any]] = [
        ["name", "n"],
        ["=1+1", -1.5],
        ["https://example.com", 2],
        ["00042", None],
        ["_x0041_林\x01", 3],
    ]
    with XlsxWriter(table[0]) as writer:
        writer.write(table[1:])
        (tmp_path / "a.xlsx").write_bytes(b"".join(writer.end()))
    cells = [list(one) for one in openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows()]
    assert [[cell.data_type for cell in one] for one in cells[1:3]] == [["s", "n"], ["s", "n"]]
    assert [[cell.value for cell in one] for one in cells[:4]] == table[:4]


def test_what_excel_has_no_room_for_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with XlsxWriter(["name"]) as writer, pytest.raises(TooLongCell, match="name"):
        writer.write([["x" * 32_768]])
    monkeypatch.setattr(writing, "EXCEL_ROWS", 2)
    with XlsxWriter(["name"]) as writer, pytest.raises(TooManyRows):
        writer.write([["a"], ["b"]])
