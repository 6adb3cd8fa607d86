"""Answers who read and changed a tenant's data."""

from collections.abc import Awaitable, Callable
from typing import Final

from services.control.audit import AuditPosition, AuditQuery
from services.query.core import cursors
from services.query.core.audit_models import AuditedKey, AuditedObject, AuditPage, AuditRecord
from services.runtime.auditing import AuditEntry

ListEntries = Callable[[str, AuditQuery, int, AuditPosition | None], Awaitable[list[AuditEntry]]]
MOST: Final = 1000


class AuditReader:
    """Pages of the trail. ``entries`` lists a tenant's, newest first, and raises what PostgreSQL does."""

    def __init__(self, entries: ListEntries) -> None:
        self._entries = entries

    async def page(self, tenant: str, wanted: AuditQuery, limit: int, cursor: str | None) -> AuditPage:
        """A page of the entries. Raises BadCursor."""
        after = None if cursor is None else AuditPosition(*cursors.read_audit(cursor))
        found = await self._entries(tenant, wanted, limit + 1, after)
        shown = found[:limit]
        following = cursors.write_audit(shown[-1].at, shown[-1].request_id) if len(found) > limit else None
        return AuditPage(entries=[record_of(one) for one in shown], next=following)


def record_of(entry: AuditEntry) -> AuditRecord:
    """An entry as it is shown."""
    return AuditRecord(
        request_id=entry.request_id,
        at=int(entry.at.timestamp() * 1000),
        key=AuditedKey(prefix=entry.key_prefix, name=entry.key_name),
        action=entry.action,
        route=entry.route,
        object=AuditedObject(named_by=entry.named_by, ids=list(entry.object_ids)),
        status=entry.status,
    )
