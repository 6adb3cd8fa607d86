"""Requests to have a person's data deleted, kept until staff have closed them.

Staff have to find the contacts of the person, and Meta names the person by an id of the app, which is no contact's id.
That id is stored here, sealed, while the request is open, and deleted when it is closed. The log, which is kept for
ever, holds only a keyed hash of it.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import DELETION_REQUESTS
from services.control.errors import UnknownDeletion
from services.runtime.database import read, read_one
from services.runtime.secrets import deletion_key, open_sealed, seal

CODE_LENGTH: Final = 32  # hexadecimal digits: 128 bits, which nobody guesses
_REQUESTS: Final = DELETION_REQUESTS


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
class DeletionIds:
    """The confirmation code of a request and the hash of its person: equal for a repeat of the same request."""

    code: str
    subject: str


def deletion_ids(master: str, *, tenant: str, source: str, subject: str, issued_at: str) -> DeletionIds:
    """The ids of a request, derived by a key of the tenant so that they reveal nothing without the master key."""
    key = deletion_key(master, tenant)
    code, person = f"code\0{source}\0{issued_at}\0{subject}", f"subject\0{subject}"
    return DeletionIds(_hash(key, code)[:CODE_LENGTH], _hash(key, person))


def _hash(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), sha256).hex()


async def add_deletion(  # noqa: PLR0913 - a request's facts
    engine: AsyncEngine,
    master: str,
    code: str,
    *,
    tenant: str,
    source: str,
    channel: str,
    subject: str,
    requested_at: datetime,
) -> None:
    """Store the request; one of the same code stays as it is."""
    row = {
        "code": code,
        "tenant": tenant,
        "source": source,
        "channel": channel,
        "sealed_subject": seal(master, subject.encode()),
        "requested_at": requested_at,
    }
    async with engine.begin() as connection:
        await connection.execute(insert(_REQUESTS).values(row).on_conflict_do_nothing(index_elements=["code"]))


async def find_deletion(engine: AsyncEngine, code: str) -> Deletion | None:
    """The request of that code."""
    row = await read_one(engine, sa.select(_REQUESTS).where(_REQUESTS.c.code == code))
    return Deletion(**row) if row else None


async def list_deletions(
    engine: AsyncEngine, tenant: str | None = None, *, closed: bool = False, limit: int | None = None
) -> list[Deletion]:
    """The requests of a tenant, or of all tenants, oldest first; the closed ones only if ``closed``."""
    query = sa.select(_REQUESTS).order_by(_REQUESTS.c.requested_at, _REQUESTS.c.code).limit(limit)
    if tenant is not None:
        query = query.where(_REQUESTS.c.tenant == tenant)
    if not closed:
        query = query.where(_REQUESTS.c.closed_at.is_(None))
    return [Deletion(**row) for row in await read(engine, query)]


async def close_deletion(engine: AsyncEngine, code: str, *, refused_because: str | None = None) -> Deletion:
    """Close the request as done, or as refused with a reason, and delete its subject. Raises UnknownDeletion."""
    outcome: dict[str, Any] = {"state": "done" if refused_because is None else "refused", "reason": refused_because}
    close = (
        sa.update(_REQUESTS)
        .where(_REQUESTS.c.code == code, _REQUESTS.c.closed_at.is_(None))
        .values(**outcome, closed_at=sa.func.now(), sealed_subject=None)
        .returning(*_REQUESTS.c)
    )
    async with engine.begin() as connection:
        row = (await connection.execute(close)).first()
    if row is None:
        raise UnknownDeletion(UnknownDeletion.__doc__)
    return Deletion(**row._asdict())


async def require_open_deletion(connection: AsyncConnection, tenant: str, code: str) -> None:
    """Hold the request until the transaction ends. Raises UnknownDeletion where the tenant has no such open one."""
    found = (
        sa.select(_REQUESTS.c.code)
        .where(_REQUESTS.c.code == code, _REQUESTS.c.tenant == tenant, _REQUESTS.c.closed_at.is_(None))
        .with_for_update()
    )
    if (await connection.execute(found)).first() is None:
        raise UnknownDeletion(UnknownDeletion.__doc__)


def opened_subject(master: str, deletion: Deletion) -> str | None:
    """The channel's id of the person; None once the request is closed. Raises WrongMasterKey."""
    return open_sealed(master, deletion.sealed_subject).decode() if deletion.sealed_subject else None
