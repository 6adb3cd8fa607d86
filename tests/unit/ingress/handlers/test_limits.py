import pytest

from services.ingress.handlers.limits import Limits, TooFast


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_source_has_an_allowance_of_its_own() -> None:
    clock = Clock()
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
    limits = Limits(1, Clock())
    for _ in range(20):
        limits.spend("a", rate=10)
    with pytest.raises(TooFast):
        limits.spend("a", rate=10)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingress.handlers.limits._MOST", 3)
    limits = Limits(1, Clock())
    for number in range(10):
        limits.spend(str(number))
    assert list(limits._buckets) == ["7", "8", "9"]
