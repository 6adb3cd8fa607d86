from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.audit import AuditPosition, AuditQuery, list_entries, prune_entries, save_entries
from services.runtime.auditing import AuditEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entries(tenant: str, number: int) -> list[AuditEntry]:
    """Entries of one minute each, newest first; two of them at one time."""
    return [
        AuditEntry(
            UUID(int=minute + 1),
            tenant,
            NOON + timedelta(minutes=max(minute, 1)),
            "of_abcdef" if minute % 2 else "of_ghijkl",
            "crm",
            "read_customer",
            "GET /v1/customers/{customer}",
            "phone",
            (UUID(int=minute % 3),),
            200,
        )
        for minute in reversed(range(number))
    ]


async def test_entries_are_saved_once_listed_in_pages_and_deleted_by_age(engine: AsyncEngine) -> None:
    saved = entries("acme", 7)
    for _ in range(2):
        await save_entries(engine, [*saved, *entries("other", 7)])
    assert await list_entries(engine, "acme", AuditQuery(), 100) == saved
    place = AuditPosition(saved[4].at, saved[4].request_id)
    assert await list_entries(engine, "acme", AuditQuery(), 100, place) == saved[5:]
    between = AuditQuery(saved[4].at, saved[1].at)
    assert await list_entries(engine, "acme", between, 100) == saved[2:5]
    of_one = AuditQuery(key_prefix="of_abcdef", object_id=UUID(int=1))
    assert await list_entries(engine, "acme", of_one, 100) == [one for one in saved if one.request_id.int == 2]
    assert await prune_entries(engine, saved[1].at) == 10
    assert await list_entries(engine, "acme", AuditQuery(), 100) == saved[:2]
