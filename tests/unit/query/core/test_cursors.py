"""A cursor is its position, and nothing else is a cursor."""

from base64 import urlsafe_b64encode
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.queries import ConflictPosition
from projections.timeline.queries import NEWEST, TimelinePosition
from schemas.events.base import EARLIEST_MS, LATEST_MS
from services.query.core.cursors import MOST_CHARACTERS, MOST_OF_A_CONFLICT, read, read_conflict, write, write_conflict
from services.query.core.errors import BadCursor

_ID = "0f2a1c4e-0b7d-8e55-9a1b-2c3d4e5f6a7b"
event_ids = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=255)
positions = st.builds(TimelinePosition, st.integers(EARLIEST_MS, LATEST_MS), event_ids, st.uuids())


@given(positions)
def test_a_position_comes_back_from_its_cursor(position: TimelinePosition) -> None:
    assert read(write(position)) == position


@given(positions)
def test_a_cursor_fits_a_url_as_it_is(position: TimelinePosition) -> None:
    assert set(write(position)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_longest_cursor_is_not_too_long() -> None:
    assert len(write(NEWEST._replace(event_id="\U0001f389" * 255))) <= MOST_CHARACTERS


@given(st.text(max_size=60))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    try:
        position = read(text)
    except BadCursor:
        return
    assert write(position) == text


@given(positions, st.sampled_from(["=", "!", "\n", " ", "A"]))
def test_a_cursor_with_something_added_is_refused_or_another(position: TimelinePosition, added: str) -> None:
    cursor = write(position)
    with suppress(BadCursor):
        assert read(cursor + added) != position


def test_a_cursor_with_text_that_the_database_cannot_hold_is_refused() -> None:
    with pytest.raises(BadCursor):
        read(write(NEWEST._replace(event_id="a\0b")))


conflicts = st.builds(ConflictPosition, st.integers(EARLIEST_MS, LATEST_MS), st.uuids(), event_ids, event_ids)


@given(conflicts)
def test_a_conflicts_position_comes_back_from_its_cursor(position: ConflictPosition) -> None:
    cursor = write_conflict(position)
    assert read_conflict(cursor) == position
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_longest_cursor_of_a_conflict_is_not_too_long() -> None:
    longest = ConflictPosition(LATEST_MS, NEWEST.contact_id, "x_" + "a" * 62, "\x01" * 521)
    assert len(write_conflict(longest)) <= MOST_OF_A_CONFLICT


@given(st.text(max_size=60))
def test_text_that_is_no_conflict_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_conflict(text)


@pytest.mark.parametrize(
    "raw", [[1], [1, 2, 3, 4], ["1", _ID, "a", "b"], [2**63, _ID, "a", "b"], [1.5, _ID, "a", "b"], [1, _ID, "a", "b\0"]]
)
def test_a_forged_position_is_refused(raw: list[object]) -> None:
    with pytest.raises(BadCursor):
        read_conflict(urlsafe_b64encode(orjson.dumps(raw)).rstrip(b"=").decode())
