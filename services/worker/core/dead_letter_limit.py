"""The fuse on dead letters: a partition that yields mostly garbage stops, rather than drain the log into the bin."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """What a partition remembers of its latest records; ``limit`` is a share of them, ``window`` a number of them."""

    limit: float
    window: int
    records: int = 0
    dead: int = 0

    def after(self, records: int, dead: int) -> "DeadLetterLimit":
        """The fuse after some more records; older ones fade so that about ``window`` are remembered."""
        records, dead = self.records + records, self.dead + dead
        while records > 2 * self.window:
            records, dead = records // 2, dead // 2
        return DeadLetterLimit(self.limit, self.window, records, dead)

    @property
    def blown(self) -> bool:
        """Whether the share of dead letters passed the limit, over a window at least."""
        return self.limit < 1 and self.dead > self.limit * max(self.records, self.window)
