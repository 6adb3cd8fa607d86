"""How far a rebuild is and how long it will take."""

from services.rebuild.core.progress import Reached, Speed, in_words, reached


def test_partitions_add_up() -> None:
    assert reached({("log", 0): Reached(1, 5), ("log", 1): Reached(2, 2)}) == Reached(3, 7)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    speed = Speed(window=10)
    for at, done in ((0, 0), (10, 10), (20, 1010)):
        speed.note(at, done)
    assert speed.rate == 100
    assert speed.seconds_left(500) == 5


def test_without_a_rate_the_time_left_is_not_known() -> None:
    speed = Speed()
    speed.note(0, 10)
    assert speed.seconds_left(5) is None
    assert in_words(None) == "time left unknown"


def test_durations_are_in_the_units_that_fit() -> None:
    assert [in_words(one) for one in (4.4, 65, 7260)] == ["4 s left", "1 min 5 s left", "2 h 1 min left"]
