"""Reads times as people write them (pure)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_MILLISECONDS: Final = re.compile(r"[1-9]\d{11,14}", re.ASCII)  # from 1973 on; seconds have fewer digits
_LOST_PLUS: Final = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$")
_FORMS: Final = (
    "A time is ISO 8601 with its offset from UTC, such as 2026-03-01T00:00+08:00 or 2026-02-28T16:00:00Z, or a number "
    "of milliseconds since 1970 with 12 to 15 digits."
)


class NoTime(ValueError):
    """This is no time; the message gives the forms that are read."""

    def __init__(self) -> None:
        super().__init__(_FORMS)


def read_time(text: str) -> int:
    """The time in ms (UTC). Raises NoTime.

    A space before the offset stands for the ``+`` that it is in a URL that was not encoded.
    """
    text = text.strip()
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    try:
        found = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text.upper()))
    except ValueError:
        raise NoTime from None
    if found.tzinfo is None:
        raise NoTime
    return (found - _EPOCH) // _MS


def read_datetime(text: str) -> datetime:
    """The time, read as ``read_time`` does, in UTC. Raises NoTime, also for what no datetime can be."""
    try:
        return _EPOCH + read_time(text) * _MS
    except OverflowError:
        raise NoTime from None
