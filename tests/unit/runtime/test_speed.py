"""How fast work goes."""

from services.runtime.speed import Speed


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
