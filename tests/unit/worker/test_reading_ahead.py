"""What was fetched ahead: each record is taken once, in its order, and none that a seek made void."""

from faust.types import TP

from services.worker.reading_ahead import FetchedRecords

FIRST, SECOND, THIRD = TP("t", 0), TP("t", 1), TP("t", 2)


def test_records_are_taken_once_and_in_their_order() -> None:
    fetched = FetchedRecords()
    fetched.put({FIRST: [0, 1], SECOND: [7]})
    fetched.put({FIRST: [2]})
    assert fetched.take({FIRST, SECOND}) == {FIRST: [0, 1, 2], SECOND: [7]}
    assert fetched.take({FIRST, SECOND}) == {}


def test_a_paused_partition_keeps_its_records() -> None:
    fetched = FetchedRecords()
    fetched.put({FIRST: [0], SECOND: [7]})
    assert fetched.take({SECOND}) == {SECOND: [7]}
    assert fetched.take({FIRST}) == {FIRST: [0]}


def test_a_partition_with_many_records_is_not_fetched_again_until_they_are_taken() -> None:
    fetched = FetchedRecords(most=2)
    fetched.put({FIRST: [0, 1], SECOND: [7]})
    assert fetched.wanted({FIRST, SECOND, THIRD}) == {SECOND, THIRD}
    fetched.take({FIRST})
    assert fetched.wanted({FIRST, SECOND}) == {FIRST, SECOND}


def test_a_seek_drops_what_was_fetched_before_it_and_what_is_no_longer_assigned() -> None:
    fetched = FetchedRecords()
    fetched.put({FIRST: [0], SECOND: [7], THIRD: [9]})
    fetched.drop({FIRST}, assigned={FIRST, SECOND})
    assert fetched.take({FIRST, SECOND, THIRD}) == {SECOND: [7]}
