"""A limit for the bytes of requests in flight: neither large bodies nor an unreachable Kafka may fill the memory.

Nobody may have it all: each owner has a share. Where a share, or the whole, is used up, the largest body that is still
arriving gives way to a smaller one, so that many large bodies that stand still can't keep small ones out.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Self


class BudgetExceeded(Exception):
    """There is no room for these bytes now."""


class Share(NamedTuple):
    """What one owner may have: one part in ``divisor`` of the whole budget."""

    sort: str
    owner: str
    divisor: int


_ALL: Final = Share("all", "", 1)


class Budget:
    """A number of bytes that requests share."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used: dict[Share, int] = {}
        self._arriving: dict[BudgetLease, None] = {}

    @property
    def used(self) -> int:
        """The bytes that all leases hold."""
        return self._used.get(_ALL, 0)

    def lease(self, *shares: Share) -> "BudgetLease":
        """An empty lease on these shares; it has to be closed by whoever holds it last."""
        return BudgetLease(self, (*shares, _ALL))

    def acquire(self, lease: "BudgetLease", size: int, shares: tuple[Share, ...]) -> None:
        """Take ``size`` bytes of the shares. Raises BudgetExceeded, unless nothing else is in use there."""
        used = self._used
        for share in shares:
            if used.get(share, 0) + size > self._limit // share.divisor:
                self._make_room(share, lease, size)
        for share in shares:
            used[share] = used.get(share, 0) + size

    def release(self, size: int, shares: tuple[Share, ...]) -> None:
        """Return ``size`` bytes."""
        for share in shares:
            left = self._used.get(share, 0) - size
            if left:
                self._used[share] = left
            else:
                self._used.pop(share, None)

    def arrives(self, lease: "BudgetLease") -> None:
        """From now on the lease may be revoked in favour of a smaller one."""
        self._arriving[lease] = None

    def arrived(self, lease: "BudgetLease") -> None:
        """From now on the lease is kept."""
        self._arriving.pop(lease, None)

    def _make_room(self, share: Share, lease: "BudgetLease", size: int) -> None:
        limit, wanted = self._limit // share.divisor, lease.size + size
        while (used := self._used.get(share, 0)) and used + size > limit:
            largest = max((one for one in self._arriving if share in one.shares), key=_size, default=lease)
            if largest.size <= wanted:
                raise BudgetExceeded(f"more than {limit} bytes are in flight")
            largest.revoke()


class BudgetLease:
    """The bytes that one request holds; closing it twice is closing it once."""

    __slots__ = ("_budget", "_on_revoke", "revoked", "shares", "size")

    def __init__(self, budget: Budget, shares: tuple[Share, ...]) -> None:
        self._budget = budget
        self._on_revoke: Callable[[], None] | None = None
        self.shares = shares
        self.size = 0
        self.revoked = False

    def grow(self, size: int) -> None:
        """Hold ``size`` more bytes. Raises BudgetExceeded, always once the lease is revoked."""
        if self.revoked:
            raise BudgetExceeded("the room went to a smaller body")
        self._budget.acquire(self, size, self.shares)
        self.size += size

    def move(self, *shares: Share) -> None:
        """Hold the same bytes as part of other shares. Raises BudgetExceeded; then nothing has changed."""
        moved = (*shares, _ALL)
        if not self.size:
            self.shares = moved
            return
        self._budget.acquire(self, self.size, tuple(share for share in shares if share not in self.shares))
        self._budget.release(self.size, tuple(share for share in self.shares if share not in moved))
        self.shares = moved

    def arrives(self, on_revoke: Callable[[], None]) -> None:
        """The bytes are of a body that still arrives: it may be given up for smaller ones, and ``on_revoke`` called."""
        self._on_revoke = on_revoke
        self._budget.arrives(self)

    def arrived(self) -> None:
        """The body is complete, and is given up no more."""
        self._budget.arrived(self)

    def revoke(self) -> None:
        """Give the bytes to others, and tell whoever waits for more of them."""
        self.close()
        self.revoked = True
        if self._on_revoke is not None:
            self._on_revoke()

    def close(self) -> None:
        """Return all bytes."""
        if self._on_revoke is not None:
            self._budget.arrived(self)
        if self.size:
            self._budget.release(self.size, self.shares)
            self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _size(lease: BudgetLease) -> int:
    return lease.size
