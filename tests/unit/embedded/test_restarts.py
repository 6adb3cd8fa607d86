from services.embedded.restarts import KILLED_STATUS, RESTART_STATUS, Restarts


def test_only_a_worker_that_asks_for_it_is_started_again() -> None:
    restarts = Restarts(clock=lambda: 0.0)
    assert restarts.allowed(RESTART_STATUS)
    assert not restarts.allowed(0)
    assert not restarts.allowed(1)
    assert not restarts.allowed(KILLED_STATUS)
    assert not restarts.allowed(None)
    assert Restarts(statuses=(RESTART_STATUS, KILLED_STATUS)).allowed(137)


def test_a_worker_that_cant_stay_up_is_given_up() -> None:
    now = 0.0
    restarts = Restarts(clock=lambda: now)
    assert [restarts.allowed(RESTART_STATUS) for _ in range(6)] == [True] * 5 + [False]
    now = 121.0
    assert restarts.allowed(RESTART_STATUS), "the old ones are forgotten"
