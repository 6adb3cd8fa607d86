"""What an import says of rows and files that it refuses, in the reader's language."""

import io
from typing import Any, Final

import pytest

from projections.identity.resolution.policy import Policy
from projections.imports.columns import columns_of
from projections.imports.errors import ImportRefused, RowRefused
from projections.imports.order import ImportOrder
from projections.imports.rows import LONGEST_ROW, SourceRow, read_table
from projections.imports.statements import RowReader
from services.console.core.import_details import file_detail, row_detail
from services.console.http.rendering import translations

CUSTOMERS: Final = ImportOrder(kind="customers")
LINE: Final = ImportOrder(kind="contacts", channel="line", account="oa")
MEMBER: Final = "member_id"
CHINESE: Final = translations("zh-Hant").gettext


REFUSED_ROWS: Final[list[tuple[ImportOrder, dict[str, Any]]]] = [
    (CUSTOMERS, {MEMBER: " "}),
    (CUSTOMERS, {MEMBER: "x" * 256}),
    (CUSTOMERS, {MEMBER: "a\x00"}),
    (CUSTOMERS, {MEMBER: 1234567890123456.0}),
    (CUSTOMERS, {MEMBER: "1", "phone": "0900"}),
    (CUSTOMERS, {MEMBER: "1", "email": "nobody"}),
    (CUSTOMERS, {MEMBER: "1", "tags": "x" * 256}),
    (CUSTOMERS, {MEMBER: "1", "staff": "Amy"}),
    (CUSTOMERS, {MEMBER: "1", "attribute:size": "big"}),
    (CUSTOMERS, {MEMBER: "1", "attribute:other": float("inf")}),
    (LINE, {"uid": ""}),
    (LINE, {"contact": "line:oa"}),
    (LINE, {"contact": "line:oa2:U1"}),
    (LINE, {"contact": "line:oa:U1", "uid": "U2"}),
]
UNREADABLE: Final = ["a" * (LONGEST_ROW + 1), 'a,"b']
REFUSED_FILES: Final[list[tuple[bytes, Any]]] = [
    (b"", None),
    (b'"id', None),
    (b"id\n\xff\xff", None),
    (b"id\n\xff\xff", "utf-8"),
    (b"id\x00", "utf-8"),
    (b"PK\x03\x04 no workbook", None),
]
REFUSED_COLUMNS: Final = [
    (("name",), CUSTOMERS),
    (("name",), LINE),
    (("uid", "staff"), LINE),
    ((MEMBER, "staff", "branch"), CUSTOMERS),
    ((MEMBER, "phone", "phone"), CUSTOMERS),
]


@pytest.mark.parametrize(("order", "cells"), REFUSED_ROWS)
def test_why_a_row_is_refused_is_said_in_chinese(order: ImportOrder, cells: dict[str, Any]) -> None:
    reader = RowReader(order, tuple(cells), {"size": "number"}, Policy())
    with pytest.raises(RowRefused) as caught:
        reader.read(SourceRow(2, tuple(cells.values())))
    _is_chinese(row_detail(caught.value.detail, CHINESE), caught.value.detail)


@pytest.mark.parametrize("line", UNREADABLE)
def test_why_a_line_is_no_row_is_said_in_chinese(line: str) -> None:
    [row] = read_table(io.BytesIO(f"title\n{line}\n".encode()), None, None).rows
    _is_chinese(row_detail(row.problem, CHINESE), row.problem)


@pytest.mark.parametrize(("content", "encoding"), REFUSED_FILES)
def test_why_a_file_is_refused_is_said_in_chinese(content: bytes, encoding: Any) -> None:
    with pytest.raises(ImportRefused) as caught:
        list(read_table(io.BytesIO(content), encoding, None).rows)
    _is_chinese(file_detail(str(caught.value), CHINESE), str(caught.value))


@pytest.mark.parametrize(("fields", "order"), REFUSED_COLUMNS)
def test_why_columns_are_refused_is_said_in_chinese(fields: tuple[str, ...], order: ImportOrder) -> None:
    titles = [f"c{number}" for number in range(len(fields))]
    mapping = dict(zip(titles, fields, strict=True))
    with pytest.raises(ImportRefused) as caught:
        columns_of(titles, order.model_copy(update={"mapping": mapping}))
    _is_chinese(file_detail(str(caught.value), CHINESE), str(caught.value))


def test_a_detail_that_is_not_known_stays_as_it_is() -> None:
    assert row_detail("100 % new: %(name)s", CHINESE) == ("100 % new: %(name)s", True)
    assert file_detail("100 % new: %(name)s", CHINESE) == ("100 % new: %(name)s", True)


def _is_chinese(found: tuple[str, bool], detail: str) -> None:
    text, english = found
    assert not english, detail
    assert not text.isascii()
