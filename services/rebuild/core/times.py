"""Moments that are given as text."""

from datetime import datetime

from services.runtime.errors import ForeseenError


class NotAMoment(ForeseenError):
    """The text is no time with an offset from UTC."""


def moment_of(text: str | None) -> datetime | None:
    """The moment of an ISO 8601 text; None if none is given. Raises NotAMoment."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotAMoment(f"{text!r} is no time. Write it as 2026-03-01T00:00+08:00.") from None
    if found.tzinfo is None:
        local = found.isoformat(timespec="minutes")
        raise NotAMoment(f"{text} has no offset from UTC. Write it as {local}+08:00, or with Z for UTC.")
    return found
