"""Partitions take turns in chunks."""

from faust.types import TP

from services.worker.chunked_transport import in_turns

FIRST, SECOND = TP("t", 0), TP("t", 1)


def test_partitions_take_turns_and_each_keeps_its_order() -> None:
    pieces = list(in_turns({FIRST: range(5), SECOND: range(10, 13)}, 2))
    assert pieces == [(FIRST, [0, 1]), (SECOND, [10, 11]), (FIRST, [2, 3]), (SECOND, [12]), (FIRST, [4])]


def test_nothing_is_no_piece() -> None:
    assert list(in_turns({}, 4)) == []
    assert list(in_turns({FIRST: []}, 4)) == []
