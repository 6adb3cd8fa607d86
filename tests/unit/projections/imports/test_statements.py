from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from projections.identity.resolution.policy import Policy
from projections.imports.errors import RowRefused
from projections.imports.order import ImportOrder
from projections.imports.rows import SourceRow
from projections.imports.statements import RowReader, RowStatement, import_phone
from schemas.events.profile import AttributeType

CUSTOMERS = ImportOrder(kind="customers")
LINE = ImportOrder(kind="contacts", channel="line", account="oa")


def read(order: ImportOrder, cells: Mapping[str, Any], **types: AttributeType) -> RowStatement:
    reader = RowReader(order, tuple(cells), types, Policy())
    return reader.read(SourceRow(2, tuple(cells.values())))


def refusal(order: ImportOrder, cells: Mapping[str, Any], **types: AttributeType) -> str:
    with pytest.raises(RowRefused) as refused:
        read(order, cells, **types)
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("886911223344", "+886911223344"),
        ("85298765432", "+85298765432"),
        ("6581234567", "+6581234567"),
        ("60123456789", "+60123456789"),
        ("886-911-223-344", "+886911223344"),
        ("+886911223344", "+886911223344"),
        ("0911223344", "0911223344"),
        ("911223344", "911223344"),
    ],
)
def test_phones_are_read_in_the_form_of_import_files(text: str, number: str) -> None:
    assert import_phone(text) == number
    assert read(CUSTOMERS, {"member_id": "1", "phone": text}).identifiers == (("phone", number),)


def test_a_phone_that_is_a_number_in_a_workbook_is_read() -> None:
    assert read(CUSTOMERS, {"member_id": "1", "phone": 886911223344.0}).identifiers == (("phone", "+886911223344"),)


def test_member_ids_keep_their_zeros_and_a_number_of_a_workbook_is_marked() -> None:
    assert read(CUSTOMERS, {"member_id": "007"}) == RowStatement(2, "007")
    assert read(CUSTOMERS, {"member_id": 7.0}) == RowStatement(2, "7", digits_only=True)
    assert refusal(CUSTOMERS, {"member_id": 1234567890123456.0}) == "digits_lost"


@pytest.mark.parametrize("field", ["member_id", "name", "phone", "email", "tags", "staff", "branch", "attribute:size"])
@pytest.mark.parametrize("cell", ["a\x00", "a\ud800", 10**30, float("inf"), float("nan")])
def test_a_cell_that_no_event_can_hold_refuses_its_row(field: str, cell: str | float) -> None:
    assert refusal(CUSTOMERS, {"member_id": "1", field: cell})


@pytest.mark.parametrize("formula", ["=1+1", "'=x", "@sum", " +8a"])
def test_what_an_export_put_before_formulas_is_taken_away(formula: str) -> None:
    assert read(CUSTOMERS, {"member_id": "1", "name": f"'{formula}"}).name == formula.strip()


@pytest.mark.parametrize(
    ("cell", "tags"), [("a;b;a", ("a", "b")), ("a\\;b;c", ("a;b", "c")), ("a, b\uff0cc", ("a", "b", "c")), ("", ())]
)
def test_tags_are_separated_by_semicolons_or_else_by_commas(cell: str, tags: tuple[str, ...]) -> None:
    assert read(CUSTOMERS, {"member_id": "1", "tags": cell}).tags == tags


@pytest.mark.parametrize(
    ("type_name", "cell", "value"),
    [
        ("number", "1,200", 1200),
        ("number", 1.5, 1.5),
        ("boolean", "是", True),
        ("boolean", "False", False),
        ("date", "2026/3/1", "2026-03-01"),
        ("date", datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01"),
        ("datetime", "2026-03-01 08:00", "2026-03-01 08:00"),
        ("text", 12.0, "12"),
    ],
)
def test_attributes_are_read_by_their_definition(type_name: AttributeType, cell: Any, value: Any) -> None:
    (found,) = read(CUSTOMERS, {"member_id": "1", "attribute:x": cell}, x=type_name).attributes
    assert (found.value, type(found.value)) == (value, type(value))


@pytest.mark.parametrize(("type_name", "cell"), [("number", "many"), ("boolean", "2"), ("date", "03/04/2026")])
def test_a_value_of_another_type_refuses_the_row(type_name: AttributeType, cell: str) -> None:
    assert refusal(CUSTOMERS, {"member_id": "1", "attribute:x": cell}, x=type_name) == "wrong_type"


@pytest.mark.parametrize(
    ("staff", "branch", "bound"),
    [
        ("Amy", "T1", ("Amy", "T1")),
        ("UNASSIGNED", "UNASSIGNED", ("", "")),
        ("unassigned", "", ("", "")),
        ("", "", None),
    ],
)
def test_staff_and_branch_are_bound_or_taken_off_together(staff: str, branch: str, bound: Any) -> None:
    assert read(LINE, {"uid": "U1", "staff": staff, "branch": branch}).staff == bound


@pytest.mark.parametrize(
    ("order", "cells", "reason"),
    [
        (CUSTOMERS, {"member_id": " ", "name": "x"}, "no_member_id"),
        (LINE, {"name": "x"}, "no_uid"),
        (LINE, {"uid": "U1;U2"}, "several_contacts"),
        (LINE, {"contact": "line:other:U1"}, "another_account"),
        (LINE, {"contact": "U1"}, "no_uid"),
        (LINE, {"uid": "U1", "account": "other"}, "another_account"),
        (LINE, {"uid": "U1", "channel": "facebook"}, "another_account"),
        (LINE, {"uid": "U1", "staff": "Amy", "branch": ""}, "half_a_binding"),
        (LINE, {"uid": "U1", "staff": "Amy", "branch": "UNASSIGNED"}, "half_a_binding"),
        (CUSTOMERS, {"member_id": "1", "phone": "soon"}, "no_phone"),
        (CUSTOMERS, {"member_id": "1", "email": "nobody"}, "no_email"),
        (CUSTOMERS, {"member_id": "x" * 300}, "too_long"),
        (CUSTOMERS, {"member_id": "1", "tags": ";".join(map(str, range(101)))}, "too_many_tags"),
    ],
)
def test_what_cannot_be_read_refuses_the_row(order: ImportOrder, cells: Mapping[str, Any], reason: str) -> None:
    assert refusal(order, cells) == reason


@pytest.mark.parametrize("cells", [{"contact": "line:oa2:U1"}, {"uid": "U1", "channel": "LINE", "account": "oa2"}])
def test_a_row_of_another_account_says_how_it_is_imported(cells: Mapping[str, Any]) -> None:
    with pytest.raises(RowRefused, match="again with channel=line and account=oa2"):
        read(LINE, cells)


def test_a_row_may_name_the_account_of_the_import() -> None:
    assert read(LINE, {"contact": "line:oa:U1", "channel": "LINE", "account": "oa"}) == RowStatement(2, "U1")
