"""A contact's statements summed up by identifier. Holdings merge by maxima and minima, so order does not matter.

A holding is kept for each session of the contact, type, value and, for bindings to a browser, session of that browser.
A retraction is of a value in all sessions; it is kept in the holding without a session.
"""

from typing import Final, NamedTuple

from projections.identity.resolution.statements import StatementKind
from schemas.events.base import Stamp

NO_SESSION: Final = ""
_VOUCHED: Final = ("intrinsic", 0, "")  # without its stamp: later events with an intrinsic identifier may never come

HoldingKey = tuple[str, str, str, str]  # (session, type, normalised value, session of the browser bound to)
StatementSpan = tuple[int, int, str]  # (first at, last at, last event id)
Spelling = tuple[str, StatementKind, int, str]  # (as it was written, by what kind of statement, last at, last event id)


class Holding(NamedTuple):
    """All statements of one identifier: when each kind of them was made first and last.

    Of intrinsic ones the earliest alone counts. ``spellings`` are sorted; empty if the value is written as it is. How a
    channel wrote an intrinsic one has no time, and comes before all others.
    """

    intrinsic: Stamp | None = None
    verified: StatementSpan | None = None
    stated: StatementSpan | None = None
    claimed: StatementSpan | None = None
    retracted: StatementSpan | None = None
    spellings: tuple[Spelling, ...] = ()

    def merge(self, other: "Holding") -> "Holding":
        """The holding of the statements of both."""
        return Holding(
            _least(self.intrinsic, other.intrinsic),
            _span(self.verified, other.verified),
            _span(self.stated, other.stated),
            _span(self.claimed, other.claimed),
            _span(self.retracted, other.retracted),
            _spellings(self.spellings, other.spellings),
        )

    def without_intrinsic(self) -> "Holding":
        """Without what the channel vouched for."""
        return self._replace(intrinsic=None, spellings=tuple(one for one in self.spellings if one[1:] != _VOUCHED))

    @property
    def asserted(self) -> bool:
        """Whether anything but a retraction was stated."""
        return bool(self.intrinsic or self.verified or self.stated or self.claimed)

    @property
    def first_at(self) -> int:
        """When anything of it was stated first."""
        spans = (self.intrinsic, self.verified, self.stated, self.claimed, self.retracted)
        return min(span[0] for span in spans if span is not None)


def holding_of(kind: StatementKind, stamp: Stamp, spelling: str | None) -> Holding:
    """The holding of one statement; ``spelling`` is how it wrote the value, if that is to be kept."""
    if kind == "intrinsic":
        return Holding(stamp, None, None, None, None, ((spelling, *_VOUCHED),) if spelling is not None else ())
    spellings: tuple[Spelling, ...] = ((spelling, kind, *stamp),) if spelling is not None else ()
    span = (stamp[0], *stamp)
    if kind == "claimed":
        return Holding(None, None, None, span, None, spellings)
    if kind == "stated":
        return Holding(None, None, span, None, None, spellings)
    if kind == "verified":
        return Holding(None, span, None, None, None, spellings)
    return Holding(retracted=span)


def _least(one: Stamp | None, other: Stamp | None) -> Stamp | None:
    return min(one, other) if one and other else one or other


def _span(one: StatementSpan | None, other: StatementSpan | None) -> StatementSpan | None:
    if one is None or other is None:
        return one or other
    return (min(one[0], other[0]), *max(one[1:], other[1:]))


def _spellings(one: tuple[Spelling, ...], other: tuple[Spelling, ...]) -> tuple[Spelling, ...]:
    if not other or one == other:
        return one
    latest: dict[tuple[str, StatementKind], Stamp] = {}
    for spelling, kind, at, event_id in (*one, *other):
        latest[spelling, kind] = max((at, event_id), latest.get((spelling, kind), (at, event_id)))
    return tuple(sorted((*written, *stamp) for written, stamp in latest.items()))
