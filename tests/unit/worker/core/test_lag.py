import pytest

from services.worker.core.lag import PartitionAges, TopicLag
from tests.support.clock import Clock

P0, P1 = ("t", 0), ("t", 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ages(clock: Clock) -> PartitionAges:
    return PartitionAges(clock)


def test_a_fetched_record_is_as_old_as_it_says(ages: PartitionAges, clock: Clock) -> None:
    ages.fetched(P0, 10, clock.now - 600, clock.now - 500)
    ages.fetched(P0, 20, clock.now - 400, clock.now - 300)
    assert ages.lag({P0: 20}) == {"t": TopicLag(1, 20, 600.0)}
    ages.committed(P0, 10)
    assert ages.lag({P0: 10}) == {"t": TopicLag(1, 10, 400.0)}


def test_what_was_not_fetched_is_younger_than_the_last_commit(ages: PartitionAges, clock: Clock) -> None:
    ages.fetched(P0, 10, clock.now, clock.now + 1)
    ages.committed(P0, 10)
    clock.now += 30
    assert ages.lag({P0: 5}) == {"t": TopicLag(1, 5, 29.0)}


def test_a_record_after_a_long_quiet_is_not_as_old_as_the_quiet(ages: PartitionAges, clock: Clock) -> None:
    ages.fetched(P0, 10, clock.now, clock.now)
    ages.committed(P0, 10)
    clock.now += 3600
    assert ages.lag({P0: 0}) == {"t": TopicLag(1, 0, 0.0)}
    clock.now += 2
    assert ages.lag({P0: 1}) == {"t": TopicLag(1, 1, 2.0)}


def test_a_topic_is_as_late_as_its_latest_partition(ages: PartitionAges, clock: Clock) -> None:
    ages.fetched(P0, 1, clock.now - 10, clock.now - 10)
    ages.fetched(P1, 1, clock.now - 90, clock.now - 90)
    assert ages.lag({P0: 1, P1: 2}) == {"t": TopicLag(2, 3, 90.0)}


def test_a_chunk_that_is_fetched_again_counts_once(ages: PartitionAges, clock: Clock) -> None:
    for _ in range(2):
        ages.fetched(P0, 10, clock.now - 60, clock.now - 50)
        ages.fetched(P0, 20, clock.now - 40, clock.now - 30)
    ages.committed(P0, 20)
    assert ages.lag({P0: 1}) == {"t": TopicLag(1, 1, 30.0)}


def test_a_partition_that_comes_back_starts_anew(ages: PartitionAges, clock: Clock) -> None:
    ages.fetched(P0, 10, clock.now - 60, clock.now - 50)
    assert ages.lag({}) == {}
    assert ages.lag({P0: 3}) == {"t": TopicLag(1, 3, 0.0)}
