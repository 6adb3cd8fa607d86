"""The chunks of one agent that wait to be saved, and which of them are saved together next."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from services.worker.core.chunk import Chunk, DecodedChunk, joined, pieces

_Place = tuple[str, int]


class WaitingChunks:
    """Chunks in the order in which they came.

    ``most_records`` gives the most that are taken at once, and about the most that wait; a chunk may have more by
    itself. With ``together``, chunks of several partitions are taken at once, otherwise those of one.
    """

    def __init__(self, most_records: Callable[[], int], *, together: bool) -> None:
        self._most: Final = most_records
        self._together: Final = together
        self._waiting: list[DecodedChunk] = []
        self._alone: list[DecodedChunk] = []  # taken before, together with others; they come first

    def has_room(self, records: int) -> bool:
        """Whether a chunk of so many records may be added."""
        waiting = self.records
        return not waiting or records + waiting <= self._most()

    @property
    def records(self) -> int:
        """How many records wait."""
        return sum(map(_size, self._alone)) + sum(map(_size, self._waiting))

    def pieces(self, chunk: Chunk) -> Iterator[Chunk]:
        """The chunk in pieces that may each be taken at once now: it may have come when more was allowed."""
        return pieces(chunk, self._most()) if len(chunk.records) > self._most() else iter((chunk,))

    def add(self, one: DecodedChunk) -> None:
        """Add a chunk after the others."""
        self._waiting.append(one)

    def put_back(self, work: Iterable[DecodedChunk]) -> None:
        """Return chunks that were taken, before all others of their partitions. Each is taken by itself next."""
        self._alone += work

    def take(self, busy: Collection[_Place]) -> list[DecodedChunk]:
        """Remove the next chunks and return them, one a partition, none of a partition that is ``busy``.

        Chunks that continue each other become one. Each partition keeps its order.
        """
        for one in self._alone:
            if one.chunk.place not in busy:
                self._alone.remove(one)
                return [one]
        parts: dict[_Place, list[DecodedChunk]] = {}
        passed = {*busy, *(one.chunk.place for one in self._alone)}
        left, size, most = list[DecodedChunk](), 0, self._most()
        for one in self._waiting:
            place = one.chunk.place
            if place in passed or not self._fits(one, parts, most - size):
                passed.add(place)
                left.append(one)
            else:
                parts.setdefault(place, []).append(one)
                size += _size(one)
        self._waiting = left
        return [joined(of_one) for of_one in parts.values()]

    def _fits(self, one: DecodedChunk, parts: dict[_Place, list[DecodedChunk]], room: int) -> bool:
        if not parts:
            return True
        before = parts.get(one.chunk.place)
        follows = self._together if before is None else one.continues(before[-1])
        return follows and _size(one) <= room


def _size(one: DecodedChunk) -> int:
    return len(one.chunk.records)
