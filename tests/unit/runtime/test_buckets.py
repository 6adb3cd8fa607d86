from hypothesis import given
from hypothesis import strategies as st

from services.runtime.buckets import BURST_SECONDS, Allowance, Bucket, full, take

rates = st.floats(0.01, 10_000)
costs = st.floats(0.1, 50)
steps = st.floats(0, 10)


def test_a_full_bucket_gives_a_burst_and_then_says_how_long_to_wait() -> None:
    allowance = Allowance.of(2)
    bucket = full(allowance, 100.0)
    for _ in range(4):
        bucket, wait = take(bucket, allowance, 1, 100.0)
        assert wait == 0
    bucket, wait = take(bucket, allowance, 1, 100.0)
    assert wait == 0.5
    assert take(bucket, allowance, 1, 100.4)[1] > 0
    assert take(bucket, allowance, 1, 100.5)[1] == 0


def test_a_rate_below_one_still_lets_a_request_through() -> None:
    allowance = Allowance.of(0.1)
    bucket, wait = take(full(allowance, 0.0), allowance, 1, 0.0)
    assert wait == 0
    assert take(bucket, allowance, 1, 0.0)[1] == 10


def test_what_costs_more_than_a_full_bucket_goes_through_once_and_is_owed() -> None:
    allowance = Allowance.of(10)
    bucket, wait = take(full(allowance, 0.0), allowance, 100, 0.0)
    assert wait == 0
    assert bucket.left == -80
    assert take(bucket, allowance, 1, 8.0)[1] > 0
    assert take(bucket, allowance, 1, 8.1)[1] == 0


@given(rates, st.lists(st.tuples(costs, steps), max_size=50))
def test_never_more_than_the_rate_and_one_burst(rate: float, asked: list[tuple[float, float]]) -> None:
    most = max(1.0, rate * BURST_SECONDS)
    bucket, now, given_out, last = full(Allowance.of(rate), 0.0), 0.0, 0.0, 0.0
    for cost, step in asked:
        now += step
        bucket, wait = take(bucket, Allowance.of(rate), cost, now)
        if not wait:
            given_out, last = given_out + cost, cost
    assert given_out - last <= (most + now * rate) * (1 + 1e-6)


@given(rates, costs, st.lists(st.tuples(costs, steps), max_size=20))
def test_after_waiting_as_told_it_goes_through(rate: float, cost: float, before: list[tuple[float, float]]) -> None:
    bucket, now = full(Allowance.of(rate), 0.0), 0.0
    for spent, step in before:
        now += step
        bucket, _ = take(bucket, Allowance.of(rate), spent, now)
    bucket, wait = take(bucket, Allowance.of(rate), cost, now)
    assert wait >= 0
    if wait:
        assert take(bucket, Allowance.of(rate), cost, now + wait)[1] == 0


@given(rates, costs, steps)
def test_a_refusal_takes_nothing_and_a_clock_that_goes_back_changes_nothing(
    rate: float, cost: float, back: float
) -> None:
    empty = Bucket(0.0, 50.0)
    refused, wait = take(empty, Allowance.of(rate), cost, 50.0)
    assert wait > 0
    assert refused == empty
    assert take(empty, Allowance.of(rate), cost, 50.0 - back) == (refused, wait)
