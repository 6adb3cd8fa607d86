"""Tags with counts: taggings after the last removal are counted; an expired tag starts again at one.

A tag with a validity ends at 23:59 (UTC+8) of the day that many days after its last tagging, with all its
counting. What is late is exact: an earlier tagging adds one where nothing ever expired, else the history is read.
"""

from collections.abc import Sequence
from typing import cast

from projections.engine.metadata import Key, Row
from projections.engine.projection import Projection
from projections.tags.tables import TABLE, TagRow
from schemas.events import Event
from schemas.events.profile import Tagging

_DAY = 86_400_000
_UTC8 = 8 * 3_600_000
_LAST_MINUTE = 86_340_000  # 23:59, in ms since midnight
_NEVER = (0, "")


def expiry(at: int, days: int | None) -> int | None:
    """The moment (ms, UTC) at which a tagging at ``at``, valid for ``days`` days, is purged."""
    if days is None:
        return None
    return ((at + _UTC8) // _DAY + days) * _DAY - _UTC8 + _LAST_MINUTE


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The tag as the events leave it; None where only the history can tell the count."""
    tenant, contact_id, name = key
    tag = cast("TagRow", row) if row is not None else TagRow(tenant, contact_id, name)
    for event in events:
        after = _add(tag, event) if event.type == "tag.added" else _remove(tag, event)
        if after is None:
            return None
        tag = after
    return tag


def _add(tag: TagRow, event: Event) -> TagRow | None:
    data = cast("Tagging", event.data)
    if event.stamp < _removed(tag):
        return tag
    if event.stamp < _last(tag):
        return None if tag.sliding or data.expires_after else tag._replace(taggings=tag.taggings + 1)
    expired = tag.expires_at is not None and event.occurred_at >= tag.expires_at
    return tag._replace(
        taggings=1 if expired else tag.taggings + 1,
        last_at=event.occurred_at,
        last_event=event.event_id,
        source=data.source,
        expires_at=expiry(event.occurred_at, data.expires_after),
        sliding=tag.sliding or data.expires_after is not None,
    )


def _remove(tag: TagRow, event: Event) -> TagRow | None:
    if event.stamp < _removed(tag):
        return tag
    if event.stamp < _last(tag):
        return None
    removed = TagRow(tag.tenant, tag.contact_id, tag.tag)
    return removed._replace(removed_at=event.occurred_at, removed_event=event.event_id)


def _last(tag: TagRow) -> tuple[int, str]:
    return _NEVER if tag.last_at is None else (tag.last_at, tag.last_event or "")


def _removed(tag: TagRow) -> tuple[int, str]:
    return _NEVER if tag.removed_at is None else (tag.removed_at, tag.removed_event or "")


PROJECTION = Projection(
    table=TABLE,
    version=1,
    types=frozenset({"tag.added", "tag.removed"}),
    suffixes=lambda event: ((cast("Tagging", event.data).tag,),),
    fold=fold,
)
