from tests.support.long_tests import long_ones_first


def test_each_workers_part_starts_with_long_tests_of_whole_files() -> None:
    ordered = long_ones_first([["A1", "A2"], ["B"], ["C"]], list("abcdefghi"), workers=2)
    assert ordered == ["A1", "A2", "C", "a", "b", "c", "B", "d", "e", "f", "g", "h", "i"]


def test_without_workers_all_long_tests_come_first() -> None:
    assert long_ones_first([["A"], ["B"]], ["a"], workers=1) == ["A", "B", "a"]


def test_every_test_is_run_once_however_few_there_are() -> None:
    for workers in range(1, 6):
        assert sorted(long_ones_first([["A", "B", "C"], ["D"]], ["a"], workers)) == ["A", "B", "C", "D", "a"]
