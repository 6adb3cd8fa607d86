"""Checks of the workers: whether they run, how far the log is folded, and whether that moves on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.topics import DEAD_LETTERS
from services.doctor.cluster import Cluster, LogPartition
from services.doctor.finding import Area, CheckResult
from services.runtime.settings import Settings

AREA: Final = Area("workers")
LOOK_AGAIN_AFTER: Final = 3.0  # seconds
_LATE: Final = 60.0


@dataclass(frozen=True, slots=True)
class LogState:
    """Where each partition is: the next offset to fold, the log's first offset and the one after its last."""

    folded: Mapping[LogPartition, int]
    bounds: Mapping[LogPartition, tuple[int, int]]

    @property
    def left(self) -> dict[LogPartition, int]:
        """How many records of each partition are not folded."""
        return {place: max(0, end - self.folded.get(place, first)) for place, (first, end) in self.bounds.items()}


def check_log(state: LogState) -> Iterator[CheckResult]:
    """Whether the log still has what the tables need."""
    shorter, cut = [], []
    for place, at in state.folded.items():
        first, end = state.bounds.get(place, (at, at))
        if at > end:
            shorter.append(_name(place))
        elif at < first:
            cut.append(_name(place))
    advice = "do not restart workers; see docs/operations.md#kafka-lost-data"
    if shorter:
        yield AREA.failed("log", f"{', '.join(shorter)} end before what was folded: Kafka lost records", advice)
    if cut:
        yield AREA.failed("log", f"{', '.join(cut)} begin after what was folded: records were deleted", advice)
    if not shorter and not cut:
        yield AREA.ok("log", "it has all that is not folded yet")


async def check_workers(cluster: Cluster, group: str) -> CheckResult:
    """Whether a worker has joined the generation's consumer group."""
    members = await cluster.members(group)
    if members:
        return AREA.ok("running", f"{members} in the group {group}")
    return AREA.failed("running", f"none is in the group {group}", "start one: onefold worker")


def of_other_code(generation: str) -> CheckResult:
    """Of a generation that no worker of this version feeds."""
    advice = f"run that version's workers too, or: onefold generations drop {generation}"
    return AREA.warning("running", "it was made by another version of Onefold, whose workers alone feed it", advice)


async def check_progress(
    state: LogState, look_again: Callable[[], Awaitable[LogState]], after: float = LOOK_AGAIN_AFTER
) -> CheckResult:
    """How many records are left and, if there are any, whether some of them are folded within a moment."""
    left = sum(state.left.values())
    if not left:
        return AREA.ok("lag", "everything is folded")
    await asyncio.sleep(after)
    later = await look_again()
    moved = sum(later.folded.values()) - sum(state.folded.values())
    if moved <= 0 and (still := sum(later.left.values())):
        advice = "see `/readyz` of the workers, and docs/operations.md#onefoldlagging"
        return AREA.failed("lag", f"{still:,} records are left, and none was folded in {after:.0f} s", advice)
    return AREA.ok("lag", f"{left:,} records are left, {moved / after:,.0f} a second are folded")


def check_outbox(waiting: int, oldest: float) -> CheckResult:
    """Whether customer changes get into Kafka; ``oldest`` is the age of the oldest one, seconds."""
    if oldest > _LATE:
        found = f"{waiting:,} changes wait, the oldest for {oldest:.0f} s"
        return AREA.failed("customer changes", found, "see docs/operations.md#onefoldchangeslate")
    return AREA.ok("customer changes", f"{waiting:,} wait to be sent")


def check_customer_rows(chunks: int, oldest: float) -> CheckResult:
    """Whether customer rows follow what is folded; ``oldest`` is the age of the oldest chunk in none, seconds."""
    if oldest > _LATE:
        found = f"{chunks:,} chunks are not in them yet, the oldest for {oldest:.0f} s"
        return AREA.failed("customer rows", found, "see docs/operations.md#onefoldcustomerrowslate")
    return AREA.ok("customer rows", f"{chunks:,} chunks are not in them yet")


async def check_dead_letters(cluster: Cluster, settings: Settings) -> CheckResult:
    """Whether there are dead letters."""
    place = (DEAD_LETTERS.full_name(settings.topic_prefix), 0)
    first, end = (await cluster.bounds([place]))[place]
    if end > first:
        advice = "see `onefold dead-letters list`, and docs/operations.md#dead-letters"
        return AREA.warning("dead letters", f"at most {end - first:,}", advice)
    return AREA.ok("dead letters", "none")


def check_dates(ahead: list[LogPartition]) -> CheckResult:
    """Whether records are dated later than now by this machine's clock; ``ahead`` are the partitions with such."""
    if ahead:
        advice = "let all machines take their time from NTP: this one, or one that writes events, is wrong"
        return AREA.warning("clocks", f"records of {', '.join(map(_name, ahead))} are dated in the future", advice)
    return AREA.ok("clocks", "no record is dated in the future")


def _name(place: LogPartition) -> str:
    return f"{place[0]}/{place[1]}"
