"""A chunk of events into every read model, inside the caller's transaction: one load, one pure fold, one save each."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from projections.engine import store
from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import Key
from projections.engine.projection import ByType, ContactEvent, Projection, fold_all, fold_groups, group
from projections.timeline.store import history, record
from schemas.events import ContactRef


async def project(connection: Any, projections: Iterable[Projection], happened: Sequence[ContactEvent]) -> int:
    """Fold the events in; how many of them were new. Raises what PostgreSQL raises."""
    recorded = await record(connection, happened)
    fresh = ByType(one for one in recorded.fresh if one.event.contact is not None)
    contested = {key for key in recorded.contested if key[1] != NO_CONTACT}
    if fresh.all or contested:
        for projection in projections:
            late = await _project_one(connection, projection, fresh.of(projection.types), contested)
            if again := late | contested:
                await _fold_again(connection, projection, _contacts(happened, again))
    return len(recorded.fresh)


async def _project_one(
    connection: Any, projection: Projection, fresh: Sequence[ContactEvent], contested: set[Key]
) -> set[Key]:
    """Save what can be folded; the (tenant, contact_id) that need their whole history."""
    groups = group(projection, fresh)
    rows = await store.load(connection, projection.table, list(groups))
    changed, late = fold_groups(projection, rows, groups)
    again = late | contested
    await store.save(connection, projection.table, [row for row in changed if row[:2] not in again])
    return late


async def _fold_again(connection: Any, projection: Projection, contacts: dict[Key, ContactRef]) -> None:
    """These contacts' rows from their whole history, in place of what they were."""
    events = await history(connection, contacts, projection.types)
    await store.delete_contacts(connection, projection.table, list(contacts))
    await store.save(connection, projection.table, fold_all(projection, events))


def _contacts(happened: Sequence[ContactEvent], wanted: set[Key]) -> dict[Key, ContactRef]:
    """The contacts of these keys, in the order of the keys."""
    found = {
        key: one.event.contact
        for one in happened
        if one.event.contact is not None and (key := (one.event.tenant, one.contact_id)) in wanted
    }
    return dict(sorted(found.items(), key=itemgetter(0)))
