"""What the handlers need from outside."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class ReadModelsAway(Exception):
    """The read models can't be read just now; try again in a moment."""


class ReadModels(Protocol):
    """The active generation's tables."""

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """A connection on which the tables' names need no schema; it is given back at the end.

        Raises ReadModelsAway, at any point. Two connections may be of two generations.
        """
        ...
