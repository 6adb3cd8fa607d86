"""How a source is doing, from what came from it hour by hour (pure)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from services.control.source_activity import SourceCounts, SourceHour, hour_of

HealthState = Literal["disabled", "waiting", "failing", "warning", "quiet", "ok"]
HOURS: Final = 24
_QUIET: Final = timedelta(hours=HOURS)


class AccountHealth(NamedTuple):
    """What came from one account of a source: the last event, and events by hour, the present one last."""

    channel: str
    account: str
    last_event_at: datetime | None
    hours: tuple[int, ...]

    @property
    def events(self) -> int:
        """The events of the last day."""
        return sum(self.hours)


class SourceHealth(NamedTuple):
    """What came from a source.

    ``hours`` are the events of the last 24 hours of the clock, the present one last. ``unproven`` and ``refused`` are
    requests of those hours: with a wrong signature or token, and such as were the source's and not accepted.
    """

    state: HealthState
    last_request_at: datetime | None
    last_event_at: datetime | None
    hours: tuple[int, ...]
    requests: int
    unproven: int
    refused: int
    accounts: tuple[AccountHealth, ...]

    @property
    def events(self) -> int:
        """The events of the last day."""
        return sum(self.hours)

    @property
    def events_this_hour(self) -> int:
        """The events since the clock's last full hour."""
        return self.hours[-1]


def health_of(
    source: str, activity: Mapping[SourceHour, SourceCounts], now: datetime, *, disabled: bool = False
) -> SourceHealth:
    """The health of the tenant's source of that name."""
    return _health({one: counts for one, counts in activity.items() if one.origin.source == source}, now, disabled)


def without_source(
    activity: Mapping[SourceHour, SourceCounts], sources: Iterable[str], now: datetime
) -> tuple[AccountHealth, ...]:
    """The accounts whose events came by the API, and so from none of the sources."""
    known = set(sources)
    return _accounts({one: counts for one, counts in activity.items() if one.origin.source not in known}, now)


def _health(activity: Mapping[SourceHour, SourceCounts], now: datetime, disabled: bool) -> SourceHealth:  # noqa: FBT001 - private
    recent = [(one, counts) for one, counts in activity.items() if one.hour > hour_of(now) - _QUIET]
    accounts = _accounts(activity, now)
    last_event_at = _latest(one.last_event_at for one in accounts)
    last_request_at = _latest(counts.last_at for one, counts in activity.items() if not one.origin.account)
    hours = tuple(map(sum, zip(*(one.hours for one in accounts), strict=True))) or (0,) * HOURS
    totals = sum((counts for one, counts in recent if not one.origin.account), SourceCounts())
    latest = sum((counts for one, counts in recent if one.hour > hour_of(now) - timedelta(hours=2)), SourceCounts())
    state = _state(disabled, last_request_at, last_event_at, now, totals, latest)
    return SourceHealth(
        state, last_request_at, last_event_at, hours, totals.requests, totals.unproven, totals.refused, accounts
    )


def _state(  # noqa: PLR0913, PLR0917 - all that a state depends on
    disabled: bool,  # noqa: FBT001 - private
    last_request_at: datetime | None,
    last_event_at: datetime | None,
    now: datetime,
    day: SourceCounts,
    latest: SourceCounts,
) -> HealthState:
    if disabled:
        return "disabled"
    if latest.unproven > latest.requests or (last_request_at is None and day.unproven):
        return "failing"
    if last_request_at is None:
        return "waiting"
    if day.unproven or day.refused:
        return "warning"
    return "quiet" if last_event_at is None or last_event_at < now - _QUIET else "ok"


def _accounts(activity: Mapping[SourceHour, SourceCounts], now: datetime) -> tuple[AccountHealth, ...]:
    found: dict[tuple[str, str], tuple[list[int], list[datetime]]] = {}  # by channel and account
    for one, counts in activity.items():
        if not counts.events:
            continue
        hours, times = found.setdefault((one.origin.channel, one.origin.account), ([0] * HOURS, []))
        times.extend(at for at in [counts.last_at] if at is not None)
        back = round((hour_of(now) - one.hour) / timedelta(hours=1))
        if 0 <= back < HOURS:
            hours[HOURS - 1 - back] += counts.events
    rows = (AccountHealth(*one, _latest(times), tuple(hours)) for one, (hours, times) in found.items())
    return tuple(sorted(rows, key=lambda one: (-one.events, one.channel, one.account)))


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
