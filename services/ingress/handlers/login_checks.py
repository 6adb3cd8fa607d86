"""Sends logins that were left out wrongly, since another ingress process sent another member's login in between.

A process leaves out the login of a member who, as far as it knows, used the browser last. A second later the read
models say what the others know, and where they have the browser with another member the login is sent after all. What
another process sends after such a check may call for one more, so each login is checked several times.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.browser_logins import login_of
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.ports import Log, LoginReads, LogUnavailable, Record, SeenLogin

EVERY: Final = 1.0  # s
ROUNDS: Final = 3
_AT_A_TIME: Final = 1_000  # browsers of a statement


class LoginChecks:
    """Checks the logins that a process left out."""

    def __init__(self, dedup: DailyDedup, reads: LoginReads, log: Log) -> None:
        self._dedup = dedup
        self._reads = reads
        self._log = log

    async def run(self) -> None:
        """Check each login in each of the `ROUNDS` seconds after the one in which it was left out, until cancelled."""
        rounds: deque[list[Event]] = deque(maxlen=ROUNDS)
        while True:
            await asyncio.sleep(EVERY)
            await self.check([event for events in rounds for event in events])
            rounds.append(self._dedup.take_left_out())

    async def check(self, left_out: Iterable[Event]) -> None:
        """Send those of the logins at whose time the read models have the browser with another member.

        Never raises: a login that can't be sent now is left out again with the member's next message.
        """
        by_tenant: dict[str, dict[SeenLogin, Event]] = defaultdict(dict)
        for event in left_out:
            if event.contact and (login := login_of(event)):
                by_tenant[event.tenant][SeenLogin(event.contact.key, login.at, login.member_id)] = event
        for tenant, events in by_tenant.items():
            logins = list(events)
            for start in range(0, len(logins), _AT_A_TIME):
                overridden = await self._reads.overridden(tenant, logins[start : start + _AT_A_TIME])
                await self._send([events[one] for one in overridden])

    async def _send(self, events: list[Event]) -> None:
        try:
            if events:
                await self._log.append([Record.of(event, encode(event)) for event in events])
        except LogUnavailable:
            return
