import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.buckets import Allowance, Bucket
from services.runtime.rate_limits import RateLimits, TooFast, limit_headers
from tests.support.clock import Clock


def test_each_name_has_an_allowance_of_its_own() -> None:
    clock = Clock(0.0)
    limits = RateLimits[str](Allowance.of(1), clock)
    for name in ("a", "b"):
        limits.spend(name)
        limits.spend(name)
        with pytest.raises(TooFast) as refused:
            limits.spend(name)
        assert (refused.value.wait, refused.value.retry_after) == (1, "1")
    clock.now = 1
    limits.spend("a")


def test_a_name_s_own_allowance_counts_in_place_of_the_general_one() -> None:
    limits = RateLimits[str](Allowance.of(1), Clock(0.0))
    for _ in range(20):
        limits.spend("a", Allowance.of(10))
    with pytest.raises(TooFast):
        limits.spend("a", Allowance.of(10))


def test_a_changed_allowance_counts_from_the_next_request_on() -> None:
    limits = RateLimits[str](Allowance.of(1), Clock(0.0))
    limits.spend("a", Allowance(1, 100))
    limits.spend("a", Allowance(1, 3), cost=3)
    with pytest.raises(TooFast):
        limits.spend("a", Allowance(1, 3))


def test_what_is_remembered_is_bounded() -> None:
    limits = RateLimits[str](Allowance.of(1), Clock(0.0), most=3)
    for number in range(10):
        limits.spend(str(number))
    assert list(limits._buckets) == ["7", "8", "9"]


def test_the_header_fields_say_the_limit_and_what_is_left() -> None:
    limits = RateLimits[str](Allowance(5, 10), Clock(0.0))
    assert limit_headers(*limits.spend("a", cost=3)) == {
        "RateLimit-Policy": '"key";q=10;w=2',
        "RateLimit": '"key";r=7;t=1',
    }
    assert limit_headers(Allowance(5, 10), Bucket(-20, 0))["RateLimit"] == '"key";r=0;t=6'


@given(st.floats(0.01, 10_000), st.floats(1, 10_000), st.lists(st.floats(0.5, 200), max_size=20))
def test_what_a_refusal_asks_to_wait_is_enough(rate: float, burst: float, costs: list[float]) -> None:
    clock = Clock(0.0)
    limits = RateLimits[str](Allowance(rate, burst), clock)
    for cost in costs:
        try:
            limits.spend("a", cost=cost)
        except TooFast as error:
            clock.now += int(error.retry_after)
            limits.spend("a", cost=cost)
