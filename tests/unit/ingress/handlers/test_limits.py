import pytest

from services.ingress.handlers.limits import Limits, TooFast
from tests.support.clock import Clock


def test_each_source_has_an_allowance_of_its_own() -> None:
    clock = Clock(0.0)
    limits = Limits(1, clock)
    for source in ("a", "b"):
        limits.spend(source)
        limits.spend(source)
        with pytest.raises(TooFast) as refused:
            limits.spend(source)
        assert refused.value.wait == 1
    clock.now = 1
    limits.spend("a")


def test_a_source_s_own_rate_counts_in_place_of_the_general_one() -> None:
    limits = Limits(1, Clock(0.0))
    for _ in range(20):
        limits.spend("a", rate=10)
    with pytest.raises(TooFast):
        limits.spend("a", rate=10)


def test_what_is_remembered_is_bounded() -> None:
    limits = Limits(1, Clock(0.0), most=3)
    for number in range(10):
        limits.spend(str(number))
    assert list(limits._buckets) == ["7", "8", "9"]
