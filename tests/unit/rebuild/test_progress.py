"""How far a rebuild is and how long it will take."""

from services.rebuild.core.progress import Reached, in_words, reached


def test_partitions_add_up() -> None:
    assert reached({("log", 0): Reached(1, 5), ("log", 1): Reached(2, 2)}) == Reached(3, 7)


def test_durations_are_in_the_units_that_fit() -> None:
    assert [in_words(one) for one in (4.4, 65, 7260)] == ["4 s left", "1 min 5 s left", "2 h 1 min left"]
    assert in_words(None) == "time left unknown"
