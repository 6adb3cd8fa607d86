"""The limit on dead letters: a partition of mostly garbage stops before its log is drained into the dead letters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """The limit and a partition's recent counts.

    ``limit`` is a share of the recent records (1: no limit); ``window`` is about how many records are remembered.
    """

    limit: float
    window: int
    records: int = 0
    dead: int = 0

    def after(self, records: int, dead: int) -> "DeadLetterLimit":
        """The limit with some more records counted. Older counts are halved, so about ``window`` are remembered."""
        records, dead = self.records + records, self.dead + dead
        while records > 2 * self.window:
            records, dead = records // 2, dead // 2
        return DeadLetterLimit(self.limit, self.window, records, dead)

    @property
    def exceeded(self) -> bool:
        """Whether the share of dead letters is above the limit. Fewer records than ``window`` count as ``window``."""
        return self.limit < 1 and self.dead > self.limit * max(self.records, self.window)
