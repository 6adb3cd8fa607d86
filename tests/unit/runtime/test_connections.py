import pytest

from services.runtime.connections import Connections
from services.runtime.peers import Peers, networks_in


class Connection:
    """Says whether it was closed."""

    def __init__(self, bounds: Connections) -> None:
        self._bounds = bounds
        self.gone = False

    def give_way(self) -> None:
        self.gone = True
        self._bounds.closed(self)

    def look(self, now: float) -> None:
        raise NotImplementedError


def opened(bounds: Connections, *hosts: str) -> list[Connection]:
    found = [Connection(bounds) for _ in hosts]
    assert all(bounds.opened(one, host) for one, host in zip(found, hosts, strict=True))
    return found


async def test_at_the_bound_of_a_peer_its_longest_silent_connection_gives_way() -> None:
    bounds = Connections(100, 3, Peers())
    other, first, second, third = opened(bounds, "b", "a", "a", "a")
    bounds.waits(first)  # it has sent something
    (newcomer,) = opened(bounds, "a")
    assert [one.gone for one in (other, first, second, third, newcomer)] == [False, False, True, False, False]
    assert len(bounds) == 4


async def test_a_connection_at_work_never_gives_way() -> None:
    bounds = Connections(100, 2, Peers())
    busy, waiting = opened(bounds, "a", "a")
    bounds.works(busy)
    (newcomer,) = opened(bounds, "a")
    bounds.works(newcomer)
    assert (busy.gone, waiting.gone) == (False, True)
    assert not bounds.opened(Connection(bounds), "a")
    assert bounds.opened(Connection(bounds), "b")
    bounds.waits(busy)
    assert bounds.opened(Connection(bounds), "a")
    assert busy.gone


async def test_at_the_bound_of_all_the_longest_silent_of_any_peer_gives_way() -> None:
    bounds = Connections(3, 3, Peers())
    first, *_ = opened(bounds, "a", "b", "c")
    opened(bounds, "d")
    assert first.gone
    assert len(bounds) == 3


async def test_a_trusted_proxy_has_no_bound_but_that_of_all() -> None:
    bounds = Connections(10, 2, Peers(networks_in("10.0.0.1")))
    assert not any(one.gone for one in opened(bounds, *["10.0.0.1"] * 10))


@pytest.mark.parametrize("times", [1, 2])
async def test_what_is_closed_is_forgotten(times: int) -> None:
    bounds = Connections(10, 1, Peers())
    (one,) = opened(bounds, "a")
    for _ in range(times):
        bounds.closed(one)
    bounds.waits(one)
    assert len(bounds) == 0
    assert not bounds._waiting
    assert not bounds._waiting_of
    opened(bounds, "a")
