"""What the columns say of customers and contacts, and that a file can be read back."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from projections.customers.folds import CustomerPlace
from projections.customers.search.asking import AskedAt, QuotaEnd
from projections.exports import writing
from projections.exports.cells import restored, split
from projections.exports.columns import ExportedContact, ExportedRow, ExportTable
from projections.exports.headings import CHINESE, ENGLISH
from projections.exports.order import ExportOrder
from projections.exports.writing import TooLongCell, TooManyRows, writer_of

EVERYBODY = {"contacts": {"gte": 1}}
EVERY_COLUMN = list(ENGLISH)
AT = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ASKED = AskedAt(AT)


def order_of(**fields: Any) -> ExportOrder:
    return ExportOrder.model_validate({"filter": EVERYBODY} | fields)


def contact(key: str, **more: Any) -> ExportedContact:
    fields: dict[str, Any] = dict.fromkeys(ExportedContact._fields) | {"valid": False, "opted_out": []}
    return ExportedContact(**fields | {"contact": key} | more)


def row(*contacts: ExportedContact, **more: Any) -> ExportedRow:
    fields: dict[str, Any] = dict.fromkeys(ExportedRow._fields)
    fields |= {"customer_id": UUID(int=1), "first_seen_at": AT, "tags": [], "attributes": {}, "contacts": contacts}
    return ExportedRow(**fields | more)


def shown(wanted: str, one: ExportedRow, asked: AskedAt = ASKED, **order: Any) -> Any:
    table = ExportTable(order_of(rows="contacts", columns=[wanted], **order), [], asked)
    (cell,) = table.cells(one)
    return cell


def test_each_channel_has_its_ids_and_whatsapp_numbers_and_user_ids_apart() -> None:
    one = row(
        contact("line:oa1:U1"), contact("line:oa2:U;2"), contact("facebook:p1:100"), contact("instagram:i1:200"),
        contact("whatsapp:n1:886911111111"), contact("whatsapp:n1:TW.abc123"), contact("web:shop:line:x"),
    )  # fmt: skip
    assert split(shown("line_uid", one)) == ["U1", "U;2"]
    assert (shown("facebook_psid", one), shown("instagram_igsid", one)) == ("100", "200")
    assert (shown("whatsapp_number", one), shown("whatsapp_bsuid", one)) == ("886911111111", "TW.abc123")
    assert split(shown("channels", one)) == ["facebook", "instagram", "line", "web", "whatsapp"]


def test_member_ids_keep_their_zeros_and_phones_their_plus() -> None:
    one = row(member_id="00042", phone="+886911111111", name="=HYPERLINK(1)", email="+x@example.com")
    assert (shown("member_id", one), shown("phone", one)) == ("00042", "+886911111111")
    assert (shown("name", one), shown("email", one)) == ("'=HYPERLINK(1)", "'+x@example.com")
    assert shown("phone", row(phone="+1+cmd|' /C calc'!A0")).startswith("'")


def test_times_are_in_utc_or_in_the_zone_that_is_asked_for() -> None:
    one = row(last_team_at=AT + 7)
    assert shown("last_team_at", one) == "2026-01-01T00:00:00.007Z"
    assert shown("last_team_at", one, zone="Asia/Taipei") == "2026-01-01 08:00:00"
    assert shown("last_customer_at", one) == ""
    with pytest.raises(ValidationError, match="Asia/Taipei"):
        order_of(zone="Formosa")


def test_a_customer_is_subscribed_where_one_contact_is_and_since_the_first_of_them() -> None:
    one = row(
        contact("line:a:1", subscribed=True, subscribed_at=AT + 5, valid=True, opted_out=["broadcast"], staff="Amy"),
        contact("line:b:1", subscribed=True, subscribed_at=AT, valid=True, branch="S1"),
        contact("line:c:1", subscribed=False, subscribed_at=AT - 9),
    )
    assert (shown("subscription", one), shown("subscribed_at", one)) == ("subscribed", "2026-01-01T00:00:00.000Z")
    assert (shown("valid", one), shown("opted_out", one)) == ("true", "broadcast")
    assert (shown("staff", one), shown("branch", one)) == ("Amy", "S1")
    assert shown("subscription", row(contact("line:c:1", subscribed=False))) == "blocked"
    assert shown("subscription", row(contact("web:shop:x"))) == "none"


def test_who_is_over_quota_is_beyond_its_last_contact_or_its_last_customer() -> None:
    within = contact("line:b:1", valid=True, counted_at=AT, counted_as="line:b:1")
    beyond = contact("line:a:1", valid=True, counted_at=AT + 5, counted_as="line:a:1")
    end = AskedAt(AT, QuotaEnd(AT, "line", "b", "1"))
    assert shown("over_quota", row(within, beyond)) == "false"
    assert (shown("over_quota", row(within), end), shown("over_quota", row(within, beyond), end)) == ("false", "true")
    of_customers = AskedAt(AT, customer_end=CustomerPlace(AT, UUID(int=1)))
    assert shown("over_quota", row(within, valid_since=AT), of_customers) == "false"
    assert shown("over_quota", row(within, valid_since=AT + 1), of_customers) == "true"
    assert shown("over_quota", row(contact("web:shop:x"), valid_since=AT + 1), of_customers) == "false"


def test_attributes_have_columns_of_their_own_and_keep_their_type() -> None:
    order = order_of(columns=["name"], attributes="all")
    table = ExportTable(order, ["n", "t", "b", "none"], ASKED)
    assert table.header == ["name", "n", "t", "b", "none"]
    assert table.cells(row(attributes={"n": -1.5, "t": "-1.5", "b": False})) == ["", -1.5, "'-1.5", "false", ""]


@pytest.mark.parametrize("language", ["en", "zh-Hant", "names"])
def test_every_column_has_a_title_of_its_own(language: Any) -> None:
    order = order_of(rows="contacts", columns=EVERY_COLUMN, header=language)
    header = ExportTable(order, [], ASKED).header
    assert len(set(header)) == len(header) == len(EVERY_COLUMN) == len(CHINESE)


def test_an_order_that_fits_no_rows_is_refused() -> None:
    for columns in (["contact"], ["name", "name"], []):
        with pytest.raises(ValidationError):
            order_of(columns=columns)
    with pytest.raises(ValidationError):
        order_of(channels=["line"])


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(TEXTS, st.lists(TEXTS.filter(bool), max_size=3)), max_size=5), st.booleans())
def test_a_csv_file_is_read_back_as_it_was(people: list[tuple[str, list[str]]], bom: bool) -> None:
    order = order_of(columns=["name", "tags"])
    table = ExportTable(order, [], ASKED)
    with writer_of("csv", table.header, bom=bom) as writer:
        written = [writer.write([table.cells(row(name=name, tags=tags))]) for name, tags in people]
        written += writer.end()
    content = b"".join(written)
    assert content.startswith(b"\xef\xbb\xbf") is bom
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == ["name", "tags"]
    assert [(restored(name), split(restored(tags))) for name, tags in rows] == people


def test_a_workbook_has_texts_and_numbers_but_no_formula(tmp_path: Path) -> None:
    table: list[list[Any]] = [
        ["name", "n"],
        ["=1+1", -1.5],
        ["https://example.com", 2],
        ["00042", ""],
        ["_x0041_林\x01", 3],
    ]
    with writer_of("xlsx", table[0], bom=False) as writer:
        assert writer.write(table[1:]) == b""
        (tmp_path / "a.xlsx").write_bytes(b"".join(writer.end()))
    cells = [list(one) for one in openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows()]
    assert [[cell.data_type for cell in one] for one in cells[1:3]] == [["s", "n"], ["s", "n"]]
    assert [[cell.value for cell in one] for one in cells[:4]] == [*table[:3], ["00042", None]]


def test_what_excel_has_no_room_for_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with writer_of("xlsx", ["name"], bom=False) as writer, pytest.raises(TooLongCell, match="name"):
        writer.write([["x" * 32_768]])
    monkeypatch.setattr(writing, "EXCEL_ROWS", 2)
    with writer_of("xlsx", ["name"], bom=False) as writer, pytest.raises(TooManyRows):
        writer.write([["a"], ["b"]])
