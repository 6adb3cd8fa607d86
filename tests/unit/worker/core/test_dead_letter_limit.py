import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.core.dead_letter_limit import DeadLetterLimit

chunks = st.lists(st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=60)


def test_a_short_burst_does_not_blow_it_and_a_window_of_garbage_does() -> None:
    fuse = DeadLetterLimit(limit=0.5, window=100)
    assert not fuse.after(50, 50).blown
    assert fuse.after(50, 50).after(1, 1).blown
    assert fuse.after(4000, 4000).blown


def test_it_forgets_in_time() -> None:
    fuse = DeadLetterLimit(limit=0.5, window=100).after(50, 50)
    for _ in range(10):
        fuse = fuse.after(100, 0)
    assert fuse.dead <= 2
    assert not fuse.after(40, 40).blown


def test_what_went_well_for_long_is_no_credit_for_ever() -> None:
    fuse = DeadLetterLimit(limit=0.5, window=100).after(1_000_000, 0)
    assert fuse.after(300, 300).blown


@given(chunks)
def test_at_limit_one_it_never_blows(told: list[tuple[int, int]]) -> None:
    fuse = DeadLetterLimit(limit=1, window=10)
    for records, dead in told:
        fuse = fuse.after(records, dead)
        assert not fuse.blown


@given(chunks, st.sampled_from([0.1, 0.5, 0.9]))
def test_it_remembers_about_a_window_and_never_more_dead_than_records(
    told: list[tuple[int, int]], limit: float
) -> None:
    fuse = DeadLetterLimit(limit=limit, window=100)
    for records, dead in told:
        fuse = fuse.after(records, dead)
        assert 0 <= fuse.dead <= fuse.records <= 200


@given(chunks)
def test_a_share_below_the_limit_never_blows_it(told: list[tuple[int, int]]) -> None:
    fuse = DeadLetterLimit(limit=0.5, window=100)
    for records, _ in told:
        fuse = fuse.after(records, records // 3)
        assert not fuse.blown


@pytest.mark.parametrize("size", [1, 7, 20, 100])
def test_no_more_than_the_window_gets_through_before_it_blows(size: int) -> None:
    fuse, through = DeadLetterLimit(limit=0.5, window=100), 0
    while not (after := fuse.after(size, size)).blown:
        fuse, through = after, through + size
    assert through <= 100
