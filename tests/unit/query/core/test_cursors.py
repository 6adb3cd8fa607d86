"""A cursor is its position, and nothing else is a cursor."""

from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.conflict_queries import (
    AnyConflictPosition,
    ConflictOrder,
    ConflictPosition,
    SetAsidePosition,
    StrongestPosition,
)
from projections.identity.customer_links import CustomerPosition
from projections.identity.decision_queries import DecisionPosition
from projections.timeline.queries import NEWEST, TimelinePosition
from schemas.events.base import EARLIEST_MS, LATEST_MS
from services.query.core.cursors import (
    MOST_CHARACTERS,
    MOST_OF_A_LINK,
    read,
    read_conflict,
    read_customer,
    read_decision,
    read_either,
    write,
    write_conflict,
    write_customer,
    write_decision,
    write_newer,
)
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


@given(positions)
def test_a_cursor_of_newer_events_is_told_from_one_of_older_ones(position: TimelinePosition) -> None:
    assert read_either(write_newer(position)) == (position, True)
    assert read_either(write(position)) == (position, False)
    with pytest.raises(BadCursor):
        read_either("~" + write_newer(position))


def test_the_longest_cursor_is_not_too_long() -> None:
    assert len(write_newer(NEWEST._replace(event_id="\U0001f389" * 255))) <= MOST_CHARACTERS


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


_DIGESTS = st.integers(-(2**63), 2**63 - 1)
_TIMES = st.integers(EARLIEST_MS, LATEST_MS)
conflicts = st.one_of(
    st.builds(ConflictPosition, _TIMES, st.uuids(), *[event_ids] * 4),
    st.builds(SetAsidePosition, _TIMES, st.uuids(), event_ids, _DIGESTS),
    st.builds(StrongestPosition, st.integers(0, 9), _TIMES, st.uuids(), *[event_ids] * 4),
)
customers = st.one_of(
    st.builds(CustomerPosition, st.uuids(), event_ids, st.sampled_from([0, 3]), st.just(())),
    st.builds(CustomerPosition, st.uuids(), event_ids, st.just(1), st.tuples(event_ids, event_ids, event_ids)),
    st.builds(CustomerPosition, st.uuids(), event_ids, st.just(2), st.tuples(event_ids, _DIGESTS.map(str))),
)
_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(conflicts)
def test_a_conflicts_position_comes_back_from_its_cursor_in_its_order_alone(position: AnyConflictPosition) -> None:
    cursor = write_conflict(position)
    assert set(cursor) <= _SAFE
    orders: dict[ConflictOrder, tuple[type[AnyConflictPosition], ...]] = {
        "newest": (ConflictPosition, SetAsidePosition),
        "strongest": (StrongestPosition, SetAsidePosition),
    }
    for order, kinds in orders.items():
        if isinstance(position, kinds):
            assert read_conflict(cursor, order) == position
        else:
            with pytest.raises(BadCursor):
                read_conflict(cursor, order)


@given(customers)
def test_a_customers_position_comes_back_from_its_cursor(position: CustomerPosition) -> None:
    cursor = write_customer(position)
    assert read_customer(cursor) == position
    assert set(cursor) <= _SAFE


@given(st.builds(DecisionPosition, st.integers(EARLIEST_MS, LATEST_MS), event_ids, st.uuids()))
def test_a_decisions_position_comes_back_from_its_cursor(position: DecisionPosition) -> None:
    assert read_decision(write_decision(position)) == position
    assert set(write_decision(position)) <= _SAFE


def test_the_longest_cursor_of_a_link_is_not_too_long() -> None:
    texts = ["\x01" * 521] * 3
    longest = ConflictPosition(LATEST_MS, NEWEST.contact_id, "x_" + "a" * 62, *texts)
    assert len(write_conflict(longest)) <= MOST_OF_A_LINK
    held = CustomerPosition(NEWEST.contact_id, texts[0], 1, ("x_" + "a" * 62, *texts[1:]))
    assert len(write_customer(held)) <= MOST_OF_A_LINK


@given(st.text(max_size=60))
def test_text_that_is_no_cursor_of_a_link_is_refused(text: str) -> None:
    for read_one in (read_conflict, read_customer, read_decision):
        with pytest.raises(BadCursor):
            read_one(text)


@pytest.mark.parametrize(
    "raw",
    [
        [1],
        {"a": 1},
        [1, 2, 3, 4],
        [1, _ID, "a", 2**63],
        [1, _ID, 7, 7],
        [1, _ID, "a", "b"],
        ["1", _ID, "a", "b", "", ""],
        [2**63, _ID, "a", "b", "", ""],
        [1.5, _ID, "a", "b", "", ""],
        [1, _ID, "a", "b\0", "", ""],
        [200, 1, _ID, "a", "b", "", ""],
        ["1", 1, _ID, "a", "b", "", ""],
        [1, 2**63, _ID, "a", "b", "", ""],
    ],
)
def test_a_forged_position_of_a_conflict_is_refused(raw: object) -> None:
    for order in get_args(ConflictOrder):
        with pytest.raises(BadCursor):
            read_conflict(_forged(raw), order)


@pytest.mark.parametrize(
    "raw",
    [
        [_ID],
        [_ID, "", 7],
        [_ID, "", 0, "a"],
        [_ID, "", 1, "a", "b"],
        [_ID, "", 1, "a", "b", 3],
        [_ID, "", 2, "a", "b"],
        [_ID, "", 2, "a", str(2**63)],
        [_ID, "\0", 0],
        ["no id", "", 0],
        [_ID, "", [0]],
    ],
)
def test_a_forged_position_in_a_customer_is_refused(raw: object) -> None:
    with pytest.raises(BadCursor):
        read_customer(_forged(raw))


def _forged(raw: object) -> str:
    return urlsafe_b64encode(orjson.dumps(raw)).rstrip(b"=").decode()
