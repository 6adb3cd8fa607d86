"""The audit trail of a process: what a request did is noted while it runs, kept in memory, and saved in batches.

A request that is recorded reserves its place before anything is done. Where there is no place, because the database has
taken no entries for a while, the request is refused: nothing that has to be recorded is done without being recorded,
and memory is bounded. A refusal at once is better than a wait, which would hold connections and bodies.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from uuid import UUID, uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.cancelling import cancel_all
from services.runtime.metrics import AUDIT_WAITING

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 10_000
_EVERY: Final = 1.0  # seconds
_BATCH: Final = 500
_LAST_WITHIN: Final = 5.0  # seconds; a process that stops saves what it has
_MOST_IDS: Final = 10
_NOTE: Final = "onefold.audit"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One request of a key. It holds no identifier: ``object_ids`` are ids that Onefold made.

    ``named_by`` says what the request named its object by: ``phone``, ``contact``, … ; ``status`` is the answer's.
    """

    request_id: UUID
    tenant: str
    at: datetime
    key_prefix: str
    key_name: str
    action: str
    route: str
    named_by: str | None
    object_ids: tuple[UUID, ...]
    status: int


class AuditFull(Exception):
    """No more entries can be kept until the database has taken some."""


class AuditTrail:
    """Entries on their way into the database."""

    def __init__(
        self, save: Callable[[Sequence[AuditEntry]], Awaitable[None]], most: int = MOST_WAITING, every: float = _EVERY
    ) -> None:
        """``save`` stores entries, and again those that it has stored; ``every`` so many seconds it is called."""
        self._save, self._most, self._every = save, most, every
        self._waiting: deque[AuditEntry] = deque()
        self._reserved = 0
        self._wake = asyncio.Event()
        self._failing = False

    def reserve(self) -> None:
        """Keep a place for an entry, which ``add`` fills. Raises AuditFull."""
        if self._reserved + len(self._waiting) >= self._most:
            raise AuditFull(AuditFull.__doc__)
        self._reserved += 1

    def add(self, entry: AuditEntry) -> None:
        """Put an entry in the place that was kept for it."""
        self._reserved -= 1
        self._waiting.append(entry)
        AUDIT_WAITING.set(len(self._waiting))
        if len(self._waiting) >= _BATCH:
            self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Save entries in the background; in the end those that are left, if the database takes them."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await cancel_all(task)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WITHIN):
                    await self.flush()
            if self._waiting:
                log.error("audit_lost", entries=len(self._waiting))

    async def flush(self) -> bool:
        """Save what is waiting; whether that succeeded. What could not be saved goes on waiting."""
        while self._waiting:
            batch = list(islice(self._waiting, _BATCH))
            try:
                await self._save(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, the entries are kept and tried again
                self._failed(error)
                return False
            for _ in batch:
                self._waiting.popleft()
            self._failing = False
            AUDIT_WAITING.set(len(self._waiting))
        return True

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(self._every)

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            log.warning("audit_not_saved", error=type(error).__name__, waiting=len(self._waiting))
        self._failing = True


@dataclass(slots=True)
class RequestNote:
    """What is noted of one request. Nothing is recorded unless it was begun."""

    headers: dict[str, str] = field(default_factory=dict)  # of the answer, whatever it is
    named_by: str | None = None
    object_ids: list[UUID] = field(default_factory=list)
    _begun: "_Begun | None" = None

    def begin(self, trail: AuditTrail, tenant: str, key_prefix: str, key_name: str) -> None:
        """Record this request, which the key of a tenant was sent with. Raises AuditFull."""
        trail.reserve()
        self._begun = _Begun(trail, tenant, key_prefix, key_name)
        self.headers["X-Request-Id"] = str(self._begun.request_id)

    def end(self, scope: Scope, status: int) -> None:
        """The request is answered."""
        if (begun := self._begun) is None:
            return
        route = scope.get("route")
        begun.trail.add(
            AuditEntry(
                begun.request_id,
                begun.tenant,
                begun.at,
                begun.key_prefix,
                begun.key_name,
                action=str(getattr(route, "unique_id", "none")),
                route=f"{scope['method']} {getattr(route, 'path', 'none')}",
                named_by=self.named_by,
                object_ids=tuple(self.object_ids),
                status=status,
            )
        )


@dataclass(frozen=True, slots=True)
class _Begun:
    trail: AuditTrail
    tenant: str
    key_prefix: str
    key_name: str
    request_id: UUID = field(default_factory=uuid4)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


_CURRENT: ContextVar[RequestNote | None] = ContextVar("request_note", default=None)


def note_object(named_by: str, *ids: UUID) -> None:
    """Note what this request is about: what it named it by, and the ids of the contacts or customers that it found.

    Ids are added to those that were noted before, up to ten. Outside of a request it does nothing.
    """
    note = _CURRENT.get()
    if note is not None:
        note.named_by = named_by
        note_ids(*ids)


def note_ids(*ids: UUID) -> None:
    """Note the ids of contacts or customers that this request is about, as ``note_object`` does."""
    note = _CURRENT.get()
    if note is not None:
        known = [UUID(int=one.int) for one in ids]  # asyncpg has a class of its own
        note.object_ids = list(dict.fromkeys([*note.object_ids, *known]))[:_MOST_IDS]


def note_of(scope: Scope) -> RequestNote | None:
    """The note of a request; None of one that ``RequestAudit`` did not see."""
    note: RequestNote | None = scope.get(_NOTE)
    return note


class RequestAudit:
    """Records the requests whose notes were begun, and adds their headers to the answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note, status = RequestNote(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [(name.lower().encode(), value.encode()) for name, value in note.headers.items()]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        scope[_NOTE] = note
        token = _CURRENT.set(note)
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            _CURRENT.reset(token)
            note.end(scope, status)
