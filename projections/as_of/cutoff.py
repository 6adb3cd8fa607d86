"""Which events count at a time in the past (pure).

Two times can be asked for. What was *true* at a time follows from the events that had occurred by then, also those that
were received later. What was *known* at a time follows from the events that had been received by then. With both, the
answer is what was known at the one time to be true at the other. An erasure counts at every time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from projections.engine.projection import ERASING
from schemas.events import Event

LATEST: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class Cutoff(NamedTuple):
    """The latest time (ms, UTC) at which an event that counts occurred, and was received; None: any time."""

    as_of: int | None = None
    known_at: int | None = None

    @classmethod
    def at(cls, as_of: datetime | None, known_at: datetime | None) -> "Cutoff":
        """The cutoff at these moments, which have an offset from UTC."""
        return cls(*(None if one is None else (one - _EPOCH) // _MS for one in (as_of, known_at)))

    def __bool__(self) -> bool:
        return self != NO_CUTOFF

    def includes(self, event: Event) -> bool:
        """Whether the event counts."""
        return event.occurred_at <= self.occurred_by and event.received_at <= self.received_by

    def counts_for_identity(self, event: Event) -> bool:
        """Whether identity takes the event into account: erasures at every time, so that nothing erased comes back."""
        return event.type in ERASING or self.includes(event)

    @property
    def occurred_by(self) -> int:
        """The latest ``occurred_at`` of an event that counts."""
        return LATEST if self.as_of is None else self.as_of

    @property
    def received_by(self) -> int:
        """The latest ``received_at`` of an event that counts."""
        return LATEST if self.known_at is None else self.known_at

    def moment(self, now: int) -> int:
        """The time at which the answer holds: tags, for instance, may have run out by then."""
        return next((one for one in self if one is not None), now)


NO_CUTOFF: Final = Cutoff()
