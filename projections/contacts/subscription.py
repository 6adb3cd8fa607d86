"""Subscription from signals that come in any order.

A run is a stretch of signals of one sign, ``[sign, first_at, first_id, last_at, last_id]``; runs alternate. They are a
function of the set of signals: the status is the sign of the last run, ``subscribed_at`` the start of a last run of +,
and the history is the runs themselves.
"""

from typing import Any

import orjson

from schemas.events import Event

Run = list[Any]
_IMPLICIT_CHANNELS = frozenset({"facebook", "instagram", "whatsapp"})  # channels without a follow
_IMPLICIT_TYPES = frozenset({"message.received", "bot.interacted"})
SIGNALS = frozenset({"contact.followed", "contact.blocked"}) | _IMPLICIT_TYPES


def sign_of(event: Event) -> bool | None:
    """Whether the event says subscribed (True), unsubscribed (False), or nothing (None)."""
    if event.type == "contact.followed":
        return True
    if event.type == "contact.blocked":
        return False
    implicit = event.type in _IMPLICIT_TYPES and event.contact and event.contact.channel in _IMPLICIT_CHANNELS
    return True if implicit else None


def add_signal(runs: list[Run], *, sign: bool, at: int, event_id: str) -> bool:
    """Put a signal among the runs, in place. False where it splits a run, whose inside is not kept."""
    stamp = (at, event_id)
    index = len(runs)
    while index and stamp < (runs[index - 1][1], runs[index - 1][2]):
        index -= 1
    before = runs[index - 1] if index else None
    if before and stamp <= (before[3], before[4]):
        return bool(before[0] == sign)
    if before and before[0] == sign:
        before[3:5] = stamp
    elif index < len(runs) and runs[index][0] == sign:
        runs[index][1:3] = stamp
    else:
        runs.insert(index, [sign, *stamp, *stamp])
    return True


def same_starts(before: str, now: str) -> bool:
    """Whether the runs of two rows have the same signs and began at the same times: the latest signals may differ."""
    return before == now or [one[:2] for one in orjson.loads(before)] == [one[:2] for one in orjson.loads(now)]


def is_edge(runs: list[Run], event: Event) -> bool:
    """Whether a run begins or ends with the event: without it the run would be another."""
    stamp = [event.occurred_at, event.event_id]
    return sign_of(event) is not None and any(stamp in (run[1:3], run[3:5]) for run in runs)
