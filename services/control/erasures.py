"""Erasures: whom to erase, kept sealed until a worker has done it, and the signed receipt."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import ERASURE_ORDERS
from services.control.deletions import require_open_deletion
from services.control.errors import JobFinished, UnknownErasure, translated, unknown_tenant
from services.control.jobs import ERASURE, add_job_in, find_job
from services.runtime.database import read, read_one
from services.runtime.secrets import open_sealed, receipt_key, seal

_NO_ERASURE: Final = "there is no such erasure"


@dataclass(frozen=True, slots=True)
class RequestedErasure:
    """An erasure of so many ``contacts``; it is done when it has a ``receipt``. ``job_id`` is the job that does it.

    ``deletion`` is the code of the request for deletion that it answers, if any.
    """

    erasure_id: UUID
    tenant: str
    job_id: UUID
    contacts: int
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    receipt: Mapping[str, Any] | None
    signature: bytes | None
    deletion: str | None


_SHOWN: Final = [ERASURE_ORDERS.c[name] for name in RequestedErasure.__slots__]


async def add_erasure(  # noqa: PLR0913 - an erasure's facts
    engine: AsyncEngine,
    master: str,
    tenant: str,
    contact_keys: Collection[str],
    *,
    requested_by: str,
    deletion: str | None = None,
) -> RequestedErasure:
    """Have contacts erased by a worker. Raises UnknownTenant and TooManyJobs.

    ``deletion`` is the code of a request that it answers, which is closed in the end. Raises UnknownDeletion where the
    tenant has no such open request.
    """
    keys = sorted(set(contact_keys))
    row: dict[str, Any] = {
        "erasure_id": uuid4(),
        "tenant": tenant,
        "contacts": len(keys),
        "sealed_contacts": seal(master, orjson.dumps(keys)),
        "requested_by": requested_by,
        "deletion": deletion,
    }
    parameters = {"erasure": str(row["erasure_id"])}
    try:
        async with engine.begin() as connection:
            if deletion is not None:
                await require_open_deletion(connection, tenant, deletion)
            job = await add_job_in(connection, tenant, ERASURE, parameters, total=len(keys), requested_by=requested_by)
            add = sa.insert(ERASURE_ORDERS).values(**row, job_id=job.job_id).returning(*_SHOWN)
            return RequestedErasure(**(await connection.execute(add)).one()._asdict())
    except sa.exc.IntegrityError as error:
        raise translated(error, jobs_tenant_fk=unknown_tenant(tenant)) from None


async def retry_erasure(engine: AsyncEngine, erasure_id: UUID) -> RequestedErasure:
    """Have an erasure done whose job has failed. Raises UnknownErasure, TooManyJobs, and JobFinished for no failure."""
    erasure = await find_erasure(engine, erasure_id)
    if erasure.finished_at is not None or (await find_job(engine, erasure.job_id)).state != "failed":
        raise JobFinished("the erasure is done, or goes on by itself")
    parameters = {"erasure": str(erasure_id)}
    async with engine.begin() as connection:
        job = await add_job_in(
            connection,
            erasure.tenant,
            ERASURE,
            parameters,
            total=erasure.contacts,
            requested_by=erasure.requested_by,
        )
        change = (
            sa.update(ERASURE_ORDERS)
            .where(ERASURE_ORDERS.c.erasure_id == erasure_id)
            .values(job_id=job.job_id)
            .returning(*_SHOWN)
        )
        return RequestedErasure(**(await connection.execute(change)).one()._asdict())


async def find_erasure(engine: AsyncEngine, erasure_id: UUID, tenant: str | None = None) -> RequestedErasure:
    """The erasure of that id; of this tenant, where one is given. Raises UnknownErasure."""
    query = sa.select(*_SHOWN).where(ERASURE_ORDERS.c.erasure_id == erasure_id)
    row = await read_one(engine, query if tenant is None else query.where(ERASURE_ORDERS.c.tenant == tenant))
    if row is None:
        raise UnknownErasure(_NO_ERASURE)
    return RequestedErasure(**row)


async def has_erasure(engine: AsyncEngine, deletion: str) -> bool:
    """Whether there is an erasure that answers the request of this code, done or not."""
    query = sa.select(ERASURE_ORDERS.c.erasure_id).where(ERASURE_ORDERS.c.deletion == deletion).limit(1)
    return await read_one(engine, query) is not None


async def list_erasures(
    engine: AsyncEngine, tenant: str | None = None, *, limit: int = 100, after: UUID | None = None
) -> list[RequestedErasure]:
    """The erasures of a tenant, or of all, the newest first; those that follow ``after``. Raises UnknownErasure."""
    place = (ERASURE_ORDERS.c.requested_at, ERASURE_ORDERS.c.erasure_id)
    query = sa.select(*_SHOWN).order_by(*(one.desc() for one in place)).limit(limit)
    if tenant is not None:
        query = query.where(ERASURE_ORDERS.c.tenant == tenant)
    if after is not None:
        last = await find_erasure(engine, after, tenant)
        query = query.where(sa.tuple_(*place) < sa.tuple_(sa.literal(last.requested_at), sa.literal(last.erasure_id)))
    return [RequestedErasure(**row) for row in await read(engine, query)]


def contacts_in(master: str, sealed: bytes) -> list[str]:
    """The contact keys of an erasure that is not done. Raises WrongMasterKey."""
    found: list[str] = orjson.loads(open_sealed(master, sealed))
    return found


def signature_text(erasure: RequestedErasure) -> str | None:
    """The signature in base64; None until there is one."""
    return None if erasure.signature is None else b64encode(erasure.signature).decode()


def signed_bytes(receipt: Mapping[str, Any]) -> bytes:
    """What the signature of a receipt is of: its JSON in UTF-8, keys sorted, without white space."""
    return orjson.dumps(receipt, option=orjson.OPT_SORT_KEYS)


def signature_of(master: str, tenant: str, receipt: Mapping[str, Any]) -> bytes:
    """The Ed25519 signature of a receipt."""
    return receipt_key(master, tenant).sign(signed_bytes(receipt))


def public_key(master: str, tenant: str) -> str:
    """The key that checks the tenant's receipts: 32 bytes, in base64."""
    return b64encode(receipt_key(master, tenant).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
