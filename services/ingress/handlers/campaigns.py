"""Appends a campaign's list of contacts while it arrives; only a slice of it is in memory at any time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from services.ingress.core.campaigns import Send, check, is_head, validate_entry
from services.ingress.core.contact_lists import Form, reader_of
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.lines import Line, Lines
from services.ingress.handlers.counting import count
from services.ingress.handlers.record_members import Slices
from services.ingress.ports import Log

MOST_REFUSED: Final = 100
_LONGEST_LINE: Final = 262_144
_PAUSE_EVERY: Final = 100


@dataclass(slots=True)
class Refusals:
    """The refused lines: the first of them, and their number."""

    first: list[Rejected] = field(default_factory=list)
    count: int = 0

    def add(self, outcome: Rejected) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < MOST_REFUSED:
            self.first.append(outcome)


class CampaignImport:
    """The import of one list of contacts. ``send`` is final once the first line was taken."""

    def __init__(self, send: Send, form: Form, context: RequestContext, log: Log) -> None:
        self.send = send
        self.refusals = Refusals()
        self._facts = context
        self._lines = Lines(_LONGEST_LINE, quoted=form == "csv")
        self._read = reader_of(form)
        self._slices = Slices(log, "campaigns")
        self._entries = 0

    @property
    def accepted(self) -> int:
        """The number of messages in the log."""
        return self._slices.acknowledged

    async def take(self, piece: bytes) -> None:
        """Take more of the body. Raises Refused, NoColumns or LogUnavailable."""
        await self._take(self._lines.feed(piece))

    async def finish(self) -> bool:
        """The body has ended; whether it named any contact. Raises Refused, NoColumns or LogUnavailable."""
        await self._take(self._lines.finish())
        await self._slices.flush()
        return self.accepted + self.refusals.count > 0

    async def _take(self, lines: Iterable[Line]) -> None:
        for line in lines:
            for entry in self._read(line):
                self._entries += 1
                await self._entry(entry, line.number)
                if self._entries % _PAUSE_EVERY == 0:
                    await asyncio.sleep(0)

    async def _entry(self, entry: Any, number: int) -> None:
        if self._entries == 1:
            heads = is_head(entry)
            self.send = self.send.amended(entry) if heads else self.send
            check(self.send, self._facts)
            if heads:
                return
        outcome = validate_entry(entry, number, self.send, self._facts)
        if isinstance(outcome, Rejected):
            count("campaigns", [], [outcome.reason])
            self.refusals.add(outcome)
        else:
            await self._slices.add([outcome])
