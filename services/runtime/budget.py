"""How many bytes may be under way at once, so that neither large bodies nor a server that is away fill the memory."""

from types import TracebackType
from typing import Self


class Spent(Exception):
    """There is no room for these bytes just now."""


class Budget:
    """A number of bytes that are lent and given back."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.lent = 0

    def lease(self) -> "Lease":
        """An empty loan, to be grown, and to be closed by whoever holds it last."""
        return Lease(self)

    def take(self, size: int) -> None:
        """Lend. Raises Spent; but one loan is always given, however large, to somebody who is alone."""
        if self.lent and self.lent + size > self._most:
            raise Spent(f"more than {self._most} bytes are in flight")
        self.lent += size

    def give_back(self, size: int) -> None:
        """Take back what was lent."""
        self.lent -= size


class Lease:
    """What one request has borrowed; closing it twice is closing it once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> None:
        """Borrow more. Raises Spent."""
        self._budget.take(size)
        self._size += size

    def close(self) -> None:
        """Give everything back."""
        self._budget.give_back(self._size)
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
