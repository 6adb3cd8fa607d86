"""A limit for the bytes of requests in flight: neither large bodies nor an unreachable Kafka may fill the memory."""

from types import TracebackType
from typing import Self


class BudgetExceeded(Exception):
    """There is no room for these bytes now."""


class Budget:
    """A number of bytes that requests share."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    def lease(self) -> "BudgetLease":
        """An empty lease; it has to be closed by whoever holds it last."""
        return BudgetLease(self)

    def acquire(self, size: int) -> None:
        """Take ``size`` bytes. Raises BudgetExceeded, unless nothing else is in use: one body always fits."""
        if self.used and self.used + size > self._limit:
            raise BudgetExceeded(f"more than {self._limit} bytes are in flight")
        self.used += size

    def release(self, size: int) -> None:
        """Return ``size`` bytes."""
        self.used -= size


class BudgetLease:
    """The bytes that one request holds; closing it twice is closing it once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> None:
        """Hold ``size`` more bytes. Raises BudgetExceeded."""
        self._budget.acquire(size)
        self._size += size

    def close(self) -> None:
        """Return all bytes."""
        self._budget.release(self._size)
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
