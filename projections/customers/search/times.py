"""Times in filters: a moment, or so long before the moment of asking (pure)."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from projections.engine.times import read_time
from schemas.events.base import EARLIEST_MS, LATEST_MS

_RELATIVE: Final = re.compile(r"-([0-9]{1,5})([mhdw])")
_MS_OF: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_NOW: Final = "now"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST: Final = 64  # characters


def moment_of(when: int | str, now: int) -> int:
    """The time in ms, UTC, that ``when`` is at the moment ``now``. Raises NoTime."""
    if isinstance(when, int):
        return when
    if when == _NOW:
        return now
    if relative := _RELATIVE.fullmatch(when):
        return now - int(relative[1]) * _MS_OF[relative[2]]
    return read_time(when)


def relative_day(when: str, now: int, zone: tzinfo) -> str | None:
    """The day, in the zone, that a relative time is at the moment ``now``; None if it is no relative time.

    So values of attributes are compared, which are days, or days with a time, in no zone. Minutes and hours give the
    time of day, too.
    """
    if when != _NOW and _RELATIVE.fullmatch(when) is None:
        return None
    moment = (_EPOCH + timedelta(milliseconds=moment_of(when, now))).astimezone(zone).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds") if when[-1] in "mh" else moment.date().isoformat()


def _readable(when: int | str) -> int | str:
    if not EARLIEST_MS - LATEST_MS <= moment_of(when, EARLIEST_MS) <= LATEST_MS:
        raise ValueError("a time is between the years 1 and 9999")
    return when


FilterTime = Annotated[
    int | Annotated[str, Field(max_length=_MOST)],
    AfterValidator(_readable),
    Field(
        description="ISO 8601 with an offset; ms since 1970; or relative to the moment of asking: `now`, or `-` with a "
        "number and `m`, `h`, `d` or `w`, such as `-30d`",
        examples=["-30d"],
    ),
]
