"""Appends the events of member records of a CRM and of commands of the team."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.ingress.core.contact_commands import Command, ContactFields, validate_command
from services.ingress.core.events import Accepted, Rejected, RequestContext, Unreadable
from services.ingress.core.members import Terms, validate_member
from services.ingress.core.statements import AcceptedItem, Receipt
from services.ingress.handlers.counting import count
from services.ingress.handlers.splitting import split
from services.ingress.handlers.turns import Turns
from services.ingress.ports import Log, Record
from services.runtime.metrics import INGRESS_REJECTED

_SLICE_RECORDS: Final = 500
_SLICE_BYTES: Final = 524_288
# A short record can be many events: of all records of a body, this many times as many as it may have records.
_EVENTS_A_RECORD: Final = 4


class Slices:
    """Appends slice by slice, each acknowledged before the next, so that never more than one is in memory.

    What is added at once is appended at once. ``acknowledged`` counts what the log has.
    """

    def __init__(self, log: Log, door: str) -> None:
        self._log = log
        self._door = door
        self._waiting: list[Accepted] = []
        self._bytes = 0
        self.acknowledged = 0

    async def add(self, parts: Iterable[Accepted]) -> None:
        """Add outcomes. Raises LogUnavailable; then what was not appended yet is lost, and has to be sent again."""
        for part in parts:
            self._waiting.append(part)
            self._bytes += len(part.raw)
        if len(self._waiting) >= _SLICE_RECORDS or self._bytes >= _SLICE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Append what waits. Raises LogUnavailable."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            await self._log.append([Record.of(part.event, part.raw) for part in waiting])
            self.acknowledged += len(waiting)
            count(self._door, [part.event for part in waiting], [])


async def take_members(  # noqa: PLR0913, PLR0917 - a body, what is known of it, and where it goes
    raw: bytes, content_type: str, context: RequestContext, terms: Terms, most: int, log: Log
) -> list[Receipt | Rejected] | Unreadable:
    """Validate a body's records and append the accepted ones' events; the outcome of each. Raises LogUnavailable."""
    turns = Turns()
    records = await split(raw, content_type, most, turns)
    if isinstance(records, Unreadable):
        INGRESS_REJECTED.labels("members", records.reason).inc()
        return records
    slices, room = Slices(log, "members"), _EVENTS_A_RECORD * most
    outcomes: list[Receipt | Rejected] = []
    for index, record in enumerate(records):
        outcome = _within(room, validate_member(record, index, context, terms))
        if isinstance(outcome, AcceptedItem):
            await turns.spend(sum(len(part.raw) for part in outcome.parts))
            room -= len(outcome.parts)
            await slices.add(outcome.parts)
            outcomes.append(Receipt.of(index, outcome.events, outcome.warnings))
        else:
            await turns.spend(0)
            outcomes.append(outcome)
    await slices.flush()
    count("members", [], [outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)])
    return outcomes


def _within(room: int, outcome: AcceptedItem | Rejected) -> AcceptedItem | Rejected:
    if isinstance(outcome, Rejected) or len(outcome.parts) <= room:
        return outcome
    return Rejected(outcome.index, "too_many", "the records before it came to as many events as are taken at once")


async def take_member(said: Any, context: RequestContext, terms: Terms, log: Log) -> Receipt | Rejected:
    """Validate one record and append its events. Raises LogUnavailable."""
    return await append_item("members", validate_member(said, 0, context, terms), log)


async def take_command(  # noqa: PLR0913, PLR0917 - what is said, of whom, by whom, and where it goes
    command: Command, contact: ContactFields, raw: bytes, context: RequestContext, key: str | None, log: Log
) -> Receipt | Rejected:
    """Validate a command and append its events. Raises LogUnavailable."""
    return await append_item("commands", validate_command(command, contact, raw, context, key), log)


async def append_item(door: str, outcome: AcceptedItem | Rejected, log: Log) -> Receipt | Rejected:
    """Append the events of one request. Raises LogUnavailable."""
    if isinstance(outcome, Rejected):
        count(door, [], [outcome.reason])
        return outcome
    await log.append([Record.of(part.event, part.raw) for part in outcome.parts])
    count(door, outcome.events, [])
    return Receipt.of(0, outcome.events, outcome.warnings)


def receipts_of(outcomes: Iterable[Receipt | Rejected]) -> Sequence[Receipt]:
    """The receipts among the outcomes."""
    return [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
