"""Bounds the connections of a process: in all, and of each peer.

A connection that waits for its peer (for a head, a body, or the next request) costs the peer nothing. So where a bound
is reached, the one whose peer was silent longest is closed for a new one; a new one is refused only while every other
is at work.
"""

import asyncio
from collections import Counter, OrderedDict, defaultdict
from typing import Final, Protocol

from services.runtime.peers import Peers, peer_at

_LOOK_EVERY: Final = 1.0  # s


class OpenConnection(Protocol):
    """What is bounded."""

    def give_way(self) -> None:
        """Close at once."""

    def look(self, now: float) -> None:
        """Close if the peer has taken too long; ``now`` is the loop's time."""


class Connections:
    """The open connections of a process, and which of them wait for their peers, the longest silent first."""

    def __init__(self, most: int, most_of_peer: int, peers: Peers) -> None:
        """``most_of_peer`` does not bound a proxy, which speaks for many."""
        self._most, self._most_of_peer, self._peers = most, most_of_peer, peers
        self._open: dict[OpenConnection, str] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: OrderedDict[OpenConnection, None] = OrderedDict()
        self._waiting_of: defaultdict[str, OrderedDict[OpenConnection, None]] = defaultdict(OrderedDict)
        self._next_look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: OpenConnection, host: str) -> bool:
        """Whether there is room for a new connection from this address, which waits for its peer."""
        peer = peer_at(host)
        if self._counts[peer] >= self._most_of_peer and not self._peers.is_proxy(host):
            if not _first_gives_way(self._waiting_of[peer]):
                return False
        elif len(self._open) >= self._most and not _first_gives_way(self._waiting):
            return False
        self._open[connection] = peer
        self._counts[peer] += 1
        self.waits(connection)
        self._look_later()
        return True

    def waits(self, connection: OpenConnection) -> None:
        """It waits for its peer, who was not silent until now."""
        peer = self._open.get(connection)
        if peer is not None:
            for waiting in (self._waiting, self._waiting_of[peer]):
                waiting[connection] = None
                waiting.move_to_end(connection)

    def works(self, connection: OpenConnection) -> None:
        """It is at work on a request that is complete."""
        peer = self._open.get(connection)
        if peer is not None:
            self._waiting.pop(connection, None)
            self._waiting_of[peer].pop(connection, None)

    def closed(self, connection: OpenConnection) -> None:
        """It is closed. A second call changes nothing."""
        self.works(connection)
        peer = self._open.pop(connection, None)
        if peer is not None:
            self._counts[peer] -= 1
            if not self._counts[peer]:
                del self._counts[peer], self._waiting_of[peer]

    def _look_later(self) -> None:
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(_LOOK_EVERY, self._look)

    def _look(self) -> None:
        self._next_look = None
        now = asyncio.get_running_loop().time()
        for connection in tuple(self._open):
            connection.look(now)
        if self._open:
            self._look_later()


def _first_gives_way(waiting: "OrderedDict[OpenConnection, None]") -> bool:
    if not waiting:
        return False
    next(iter(waiting)).give_way()
    return True
