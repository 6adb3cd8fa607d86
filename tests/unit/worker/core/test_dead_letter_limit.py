import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.core.dead_letter_limit import DeadLetterLimit

chunks = st.lists(st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=60)


def test_a_short_burst_is_allowed_and_a_window_of_garbage_is_not() -> None:
    counts = DeadLetterLimit(limit=0.5, window=100)
    assert not counts.after(50, 50).exceeded
    assert counts.after(50, 50).after(1, 1).exceeded
    assert counts.after(4000, 4000).exceeded


def test_old_dead_letters_are_forgotten() -> None:
    counts = DeadLetterLimit(limit=0.5, window=100).after(50, 50)
    for _ in range(10):
        counts = counts.after(100, 0)
    assert counts.dead <= 2
    assert not counts.after(40, 40).exceeded


def test_a_long_good_history_is_forgotten_too() -> None:
    counts = DeadLetterLimit(limit=0.5, window=100).after(1_000_000, 0)
    assert counts.after(300, 300).exceeded


@given(chunks)
def test_a_limit_of_one_is_never_exceeded(seen: list[tuple[int, int]]) -> None:
    counts = DeadLetterLimit(limit=1, window=10)
    for records, dead in seen:
        counts = counts.after(records, dead)
        assert not counts.exceeded


@given(chunks, st.sampled_from([0.1, 0.5, 0.9]))
def test_about_a_window_is_remembered_and_never_more_dead_letters_than_records(
    seen: list[tuple[int, int]], limit: float
) -> None:
    counts = DeadLetterLimit(limit=limit, window=100)
    for records, dead in seen:
        counts = counts.after(records, dead)
        assert 0 <= counts.dead <= counts.records <= 200


@given(chunks)
def test_a_share_below_the_limit_never_exceeds_it(seen: list[tuple[int, int]]) -> None:
    counts = DeadLetterLimit(limit=0.5, window=100)
    for records, _ in seen:
        counts = counts.after(records, records // 3)
        assert not counts.exceeded


@pytest.mark.parametrize("size", [1, 7, 20, 100])
def test_at_most_a_window_of_garbage_passes_before_the_limit(size: int) -> None:
    counts, through = DeadLetterLimit(limit=0.5, window=100), 0
    while not (after := counts.after(size, size)).exceeded:
        counts, through = after, through + size
    assert through <= 100
