"""Requests to have a person's data deleted, as the control plane keeps them until staff have closed them.

Whom a request is about, staff have to know: Meta's id of the person is the app's own and no contact's, so somebody has
to find the contacts that it means. That id is kept here, sealed, for as long as the request is open, and then it is
gone; the log, which keeps everything for ever, gets a keyed hash of it.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from services.control.registry import ControlError
from services.runtime.secrets import deletion_key, open_sealed, seal

CODE_LENGTH: Final = 32  # hexadecimal digits: 128 bits, which nobody guesses
_SELECT: Final = (
    "SELECT code, tenant, source, channel, sealed_subject, state, reason, requested_at, closed_at"
    " FROM onefold.deletion_requests"
)


class UnknownDeletion(ControlError):
    """There is no such request, or it was closed already."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A request; ``sealed_subject`` is the channel's id of the person, until the request is closed."""

    code: str
    tenant: str
    source: str
    channel: str
    sealed_subject: bytes | None
    state: str
    reason: str | None
    requested_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Names:
    """What a request and its person are called: equal for a repeat, and telling nothing without the master key."""

    code: str
    subject: str


def names_of(master: str, *, tenant: str, source: str, subject: str, issued_at: str) -> Names:
    """The names of a request made at that time by that person."""
    key = deletion_key(master, tenant)
    code, person = f"code\0{source}\0{issued_at}\0{subject}", f"subject\0{subject}"
    return Names(_hash(key, code)[:CODE_LENGTH], _hash(key, person))


def _hash(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), sha256).hex()


async def add_deletion(  # noqa: PLR0913 - a request's facts
    db: Any, master: str, code: str, *, tenant: str, source: str, channel: str, subject: str, requested_at: datetime
) -> None:
    """Keep the request; one that is there already stays as it is."""
    await db.execute(
        "INSERT INTO onefold.deletion_requests (code, tenant, source, channel, sealed_subject, requested_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (code) DO NOTHING",
        code,
        tenant,
        source,
        channel,
        seal(master, subject.encode()),
        requested_at,
    )


async def find_deletion(db: Any, code: str) -> Deletion | None:
    """The request of that code."""
    row = await db.fetchrow(f"{_SELECT} WHERE code = $1", code)
    return Deletion(**row) if row else None


async def list_deletions(db: Any, tenant: str | None = None, *, every: bool = False) -> list[Deletion]:
    """A tenant's requests, or everybody's, oldest first; the closed ones only if asked for."""
    rows = await db.fetch(
        f"{_SELECT} WHERE ($1::text IS NULL OR tenant = $1) AND ($2 OR closed_at IS NULL) ORDER BY requested_at, code",
        tenant,
        every,
    )
    return [Deletion(**row) for row in rows]


async def close_deletion(db: Any, code: str, *, refused_because: str | None = None) -> Deletion:
    """Say that it was done, or why not, and forget whom it was about. Raises UnknownDeletion."""
    row = await db.fetchrow(
        "UPDATE onefold.deletion_requests SET state = $2, reason = $3, closed_at = now(), sealed_subject = NULL"
        " WHERE code = $1 AND closed_at IS NULL"
        " RETURNING code, tenant, source, channel, sealed_subject, state, reason, requested_at, closed_at",
        code,
        "done" if refused_because is None else "refused",
        refused_because,
    )
    if row is None:
        raise UnknownDeletion(UnknownDeletion.__doc__)
    return Deletion(**row)


def opened_subject(master: str, deletion: Deletion) -> str | None:
    """The channel's id of the person; None once the request is closed. Raises WrongMasterKey."""
    return open_sealed(master, deletion.sealed_subject).decode() if deletion.sealed_subject else None
