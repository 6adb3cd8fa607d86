"""Cursors of changes: what was written is read again, by its tenant, and nothing else is."""

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.changes.cursor import ChangeCursor, read_cursor, write_cursor
from services.changes.errors import UnknownCursor

KEY = b"a key"
OFFSETS = st.lists(st.integers(0, (1 << 63) - 1), max_size=20).map(tuple)
CURSORS = st.builds(ChangeCursor, st.uuids(), OFFSETS)


@given(CURSORS)
def test_a_cursor_is_read_as_it_was_written(cursor: ChangeCursor) -> None:
    text = write_cursor(KEY, "demo", cursor)
    assert read_cursor(KEY, "demo", text) == cursor
    assert text.isascii()
    assert not set(text) & set("+/= \n")


@given(CURSORS, st.sampled_from([(KEY, "other"), (b"another key", "demo"), (KEY, "demo2")]))
def test_a_cursor_of_another_tenant_or_key_is_unknown(cursor: ChangeCursor, of: tuple[bytes, str]) -> None:
    with pytest.raises(UnknownCursor):
        read_cursor(*of, write_cursor(KEY, "demo", cursor))


@given(CURSORS, st.data())
def test_an_altered_cursor_is_unknown(cursor: ChangeCursor, data: st.DataObject) -> None:
    text = write_cursor(KEY, "demo", cursor)
    place = data.draw(st.integers(0, len(text) - 1))
    altered = text[:place] + data.draw(st.sampled_from("AQgwZ09_-~é")) + text[place + 1 :]
    assume(altered != text)
    try:
        found = read_cursor(KEY, "demo", altered)
    except UnknownCursor:
        return
    assert found == cursor  # the unused bits of the last character differ


@given(st.text(max_size=200))
def test_any_other_text_is_unknown(text: str) -> None:
    with pytest.raises(UnknownCursor):
        read_cursor(KEY, "demo", text)


def test_a_cursor_of_a_thousand_partitions_fits_a_header() -> None:
    assert len(write_cursor(KEY, "demo", ChangeCursor(UUID(int=1), ((1 << 63) - 1,) * 1000))) < 16_384
