"""A line of a list says one contact, in any of the forms, or is told to be no such line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.events import Malformed
from services.ingress.core.lines import Line
from services.ingress.core.list_lines import CONTACTS, FORMS, MERGES, Columns, Form, NoColumns, reader_of


def entries(form: Form, *lines: bytes | None, columns: Columns = CONTACTS) -> list[Any]:
    read = reader_of(form, columns)
    return [entry for number, raw in enumerate(lines, 1) for entry in read(Line(number, raw))]


def test_a_line_of_json_is_a_key_or_an_object() -> None:
    assert entries("ndjson", b'"web:s:1"', b" ", b'{"contact": "web:s:2", "text": "hi"}', b"[]") == [
        {"contact": "web:s:1"},
        {"contact": "web:s:2", "text": "hi"},
        [],
    ]
    bad, long = entries("ndjson", b"{", None)
    assert isinstance(bad, Malformed)
    assert isinstance(long, Malformed)


def test_a_line_of_text_is_a_key() -> None:
    assert entries("text", b" web:s:1 ", b"", "web:s:王".encode()) == [{"contact": "web:s:1"}, {"contact": "web:s:王"}]
    assert [type(one) for one in entries("text", b"\xff", None)] == [Malformed, Malformed]


def test_the_first_line_of_a_csv_names_the_columns() -> None:
    assert entries("csv", b"", b"Text, contact", b'"a\nb",web:s:1', b",web:s:2", b"", b",") == [
        {"text": "a\nb", "contact": "web:s:1"},
        {"contact": "web:s:2"},
    ]
    assert entries("csv", b"channel,account,uid,message_id", b"web,s,1,m1") == [
        {"channel": "web", "account": "s", "uid": "1", "message_id": "m1"}
    ]
    lines = (b"contact", b"web:s:1,x", b'"open', b'"a"b', b"\xff", None)
    assert [type(one) for one in entries("csv", *lines)] == [Malformed] * 5


@pytest.mark.parametrize("head", [b"text", b"contact,phone", b"contact,contact", b"channel,uid", b'"', b"\xff", None])
def test_a_csv_whose_columns_name_nobody_is_none(head: bytes | None) -> None:
    with pytest.raises(NoColumns) as refused:
        entries("csv", head, b"web:s:1")
    assert "phone" not in str(refused.value)


@given(st.sampled_from(sorted(set(FORMS.values()))), st.lists(st.none() | st.binary(max_size=20), max_size=4))
def test_no_line_raises_anything_else(form: Form, lines: list[bytes | None]) -> None:
    try:
        found = entries(form, b"contact,text", *lines)
    except NoColumns:
        raise AssertionError from None
    assert len(found) <= len(lines) + 1


def test_a_list_of_merges_has_the_columns_of_its_own() -> None:
    lines = (b"into,member_id,by", b"N7,M7,", b"N8,M8,crm")
    assert entries("csv", *lines, columns=MERGES) == [
        {"into": "N7", "member_id": "M7"},
        {"into": "N8", "member_id": "M8", "by": "crm"},
    ]
    assert entries("ndjson", b'{"member_id": "M7", "into": null}', b'"M7"', columns=MERGES) == [
        {"member_id": "M7", "into": None},
        "M7",
    ]


@pytest.mark.parametrize("head", [b"member_id", b"into", b"contact,into", b"member_id,into,note"])
def test_a_csv_that_names_no_pairs_is_none(head: bytes) -> None:
    with pytest.raises(NoColumns):
        entries("csv", head, b"M7,N7", columns=MERGES)
