"""What becomes of the changes that a turn tried to send to a webhook endpoint (pure).

A customer's changes keep their order: behind one that was not taken, the customer's others wait. Those of other
customers go on. An endpoint that takes nothing for days, or not one message, is disabled, never a message left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

_GONE: Final = 410
_ACCEPTED: Final = range(200, 300)
_MESSAGES: Final = UUID("6d2f4c1e-2c55-4b8e-9b7f-0a4f6c1d3e52")  # the namespace of the ids of messages


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a change is tried again, and when an endpoint is disabled.

    The first wait is ``first``, each further one twice the one before, ``longest`` at most. After ``probe_from``
    failures in a row one change at a time is tried.
    """

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=3)
    least_failures: int = 10
    probe_from: int = 5

    def wait(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts in vain."""
        doubled: int = 1 << min(attempts - 1, 30)
        return min(self.first * doubled, self.longest)


class Pending(NamedTuple):
    """A change to be sent, tried ``attempts`` times in vain; ``position`` is None for one that has not waited yet."""

    customer: str
    payload: bytes
    attempts: int = 0
    failing_since: datetime | None = None
    position: int | None = None


class Tried(NamedTuple):
    """A change that was tried, and the receiver's status or why there is none; ``duration`` is in ms."""

    pending: Pending
    at: datetime
    status: int | None
    problem: str | None
    duration: int

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.status in _ACCEPTED


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How many attempts in a row were in vain, since when, and when one succeeded."""

    failures: int = 0
    failing_since: datetime | None = None
    succeeded_at: datetime | None = None

    def after(self, tried: Tried) -> "EndpointHealth":
        """The health after one more attempt."""
        if tried.succeeded:
            return EndpointHealth(succeeded_at=tried.at)
        return replace(self, failures=self.failures + 1, failing_since=self.failing_since or tried.at)


@dataclass(frozen=True, slots=True)
class TurnDecision:
    """What a turn leaves: positions that wait no longer, and (change, next time) of those that wait on or anew."""

    health: EndpointHealth
    sent: Sequence[int]
    retried: Sequence[tuple[Pending, datetime]]
    queued: Sequence[tuple[Pending, datetime]]
    disabled_because: str | None


def split_page(
    values: Iterable[tuple[str, bytes]], waiting: AbstractSet[str]
) -> tuple[list[list[Pending]], list[Pending]]:
    """The (customer, payload) of a page: a list for each customer that nothing waits for, and the others' changes."""
    to_send: dict[str, list[Pending]] = {}
    behind = []
    for customer, payload in values:
        pending = Pending(customer, payload)
        if customer in waiting:
            behind.append(pending)
        else:
            to_send.setdefault(customer, []).append(pending)
    return list(to_send.values()), behind


def decide_turn(
    rules: RetryRules, health: EndpointHealth, tried: Sequence[Tried], behind: Sequence[Pending], now: datetime
) -> TurnDecision:
    """What becomes of what was tried, in the order of time, and of the changes ``behind`` others of their customers."""
    sent: list[int] = []
    retried: list[tuple[Pending, datetime]] = []
    queued: list[tuple[Pending, datetime]] = []
    because = None
    for one in tried:
        health = health.after(one)
        position = one.pending.position
        if one.succeeded:
            sent += [] if position is None else [position]
            continue
        failed = one.pending._replace(
            attempts=one.pending.attempts + 1, failing_since=one.pending.failing_since or one.at
        )
        (queued if position is None else retried).append((failed, one.at + rules.wait(failed.attempts)))
        because = because or _message_reason(rules, failed, one)
    queued += [(one, now) for one in behind]
    return TurnDecision(health, sent, retried, queued, because or _endpoint_reason(rules, health, tried))


def message_id(change: Mapping[str, Any]) -> UUID:
    """The id of a change's message, which is the same at each attempt and after a replay."""
    parts = (str(change.get(name, "")) for name in ("tenant", "type", "customer_id", "seq", "part"))
    return uuid5(_MESSAGES, "|".join(parts))


def _message_reason(rules: RetryRules, failed: Pending, tried: Tried) -> str | None:
    if tried.status == _GONE:
        return "the receiver answered 410: it wants no more"
    if _is_over(rules, failed.attempts, failed.failing_since, tried.at):
        return f"one message was not taken in {failed.attempts} attempts, the last time because of {_what(tried)}"
    return None


def _endpoint_reason(rules: RetryRules, health: EndpointHealth, tried: Sequence[Tried]) -> str | None:
    if tried and _is_over(rules, health.failures, health.failing_since, tried[-1].at):
        return f"no message was taken in {health.failures} attempts, the last time because of {_what(tried[-1])}"
    return None


def _is_over(rules: RetryRules, failures: int, since: datetime | None, at: datetime) -> bool:
    return failures >= rules.least_failures and since is not None and at - since >= rules.give_up_after


def _what(tried: Tried) -> str:
    return f"status {tried.status}" if tried.problem is None else f"this: {tried.problem}"
