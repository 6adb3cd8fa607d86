"""One space in the place of another: taking statements over, what differs, the swap itself, and clearing up."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.identity.resolutions import Found, PolicyRow, ResolutionRow, space_of
from projections.identity.tables import READ_MODELS, StatementRow

_COLUMNS: Final = ", ".join(ResolutionRow._fields)
_TO_ADOPT: Final = """
SELECT p.tenant FROM (
    SELECT DISTINCT ON (tenant) tenant, event_id FROM policies ORDER BY tenant, at DESC, event_id DESC
) p LEFT JOIN spaces s ON s.tenant = p.tenant AND s.state = 'live'
WHERE s.version IS DISTINCT FROM p.event_id ORDER BY 1
"""
_LEAVE: Final = """
UPDATE spaces SET state = 'gone', left_at = now() WHERE tenant = $1 AND state = 'building' AND name <> $2
"""
_BEGIN: Final = f"""
INSERT INTO spaces (tenant, name, version, state, total, done, place) SELECT $1, $2, $3, 'building',
    (SELECT count(*) FROM statements WHERE tenant = coalesce(
        (SELECT name FROM spaces WHERE tenant = $1 AND state = 'live'), $1)), 0, ''
ON CONFLICT (tenant, name) DO UPDATE SET version = excluded.version RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
_AFTER: Final = f"""
SELECT coalesce(m.contact, ''), {", ".join(f"s.{name}" for name in StatementRow._fields)}
FROM statements s LEFT JOIN members m ON m.tenant = s.tenant AND m.contact_id = s.contact_id
WHERE s.tenant = $1 AND (s.contact_id, s.event_id) > ($2, $3) ORDER BY s.contact_id, s.event_id LIMIT $4
"""  # noqa: S608 - names are constants
_NOTE: Final = f"""
UPDATE spaces SET done = done + $3, place = $4 WHERE tenant = $1 AND name = $2 RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
# The two spaces side by side are read from end to end, for once.
_SIDE_BY_SIDE: Final = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on"
_DIFFERENCES: Final = """
WITH both_sides AS MATERIALIZED (
    SELECT contact_id, coalesce(o.contact, n.contact) AS contact, o.customer_id AS held,
        coalesce(n.customer_id, contact_id) AS holds
    FROM (SELECT contact_id, contact, customer_id FROM members WHERE tenant = $1) o
    FULL JOIN (SELECT contact_id, contact, customer_id FROM members WHERE tenant = $2) n USING (contact_id)
), touched AS (
    SELECT held AS customer FROM both_sides WHERE held IS DISTINCT FROM holds
    UNION SELECT holds FROM both_sides WHERE held IS DISTINCT FROM holds
)
SELECT contact_id, contact, held, holds FROM both_sides
WHERE held IN (SELECT customer FROM touched) OR holds IN (SELECT customer FROM touched)
"""
_END: Final = """
INSERT INTO spaces (tenant, name, version, state, total, done, place, left_at)
VALUES ($1, $2, $3, 'gone', 0, 0, '', now())
ON CONFLICT (tenant, name) DO UPDATE SET state = 'gone', left_at = now()
"""
_LEFT: Final = f"""
SELECT {_COLUMNS} FROM spaces
WHERE state = 'gone' AND left_at <= now() - make_interval(secs => $1) ORDER BY tenant, name
"""  # noqa: S608 - constants
_NOWHERE: Final = UUID(int=0)


class Moved(NamedTuple):
    """A contact, whom it belongs to in the one space (if anything was stated of it there), and in the other."""

    contact_id: UUID
    contact: str
    held: UUID | None
    holds: UUID


async def tenants_to_adopt(connection: Any) -> list[str]:
    """The tenants whose live space isn't that of the policy in force."""
    return [row[0] for row in await connection.fetch(_TO_ADOPT)]


async def begin(connection: Any, policy: PolicyRow) -> ResolutionRow:
    """Have the policy's space built from now on, or gone on with; another one that was being built is left."""
    name = space_of(policy.tenant, policy.event_id)
    await connection.execute(_LEAVE, policy.tenant, name)
    return ResolutionRow(*await connection.fetchrow(_BEGIN, policy.tenant, name, policy.event_id))


async def statements_after(
    connection: Any, live: str, space: ResolutionRow, most: int
) -> list[tuple[str, StatementRow]]:
    """The next statements of the live space to take over, each with its contact ("" if it says nothing of any)."""
    contact_id, _, event_id = space.place.partition(" ")
    place = (UUID(contact_id) if contact_id else _NOWHERE, event_id)
    return [(row[0], StatementRow(*row[1:])) for row in map(tuple, await connection.fetch(_AFTER, live, *place, most))]


async def note(connection: Any, space: ResolutionRow, last: StatementRow, number: int) -> ResolutionRow:
    """Remember how far the space has come."""
    place = f"{last.contact_id} {last.event_id}"
    return ResolutionRow(*await connection.fetchrow(_NOTE, space.tenant, space.name, number, place))


async def differences(connection: Any, live: str, space: str) -> list[Moved]:
    """The contacts of all customers that are not the same in both spaces."""
    await connection.execute(_SIDE_BY_SIDE)
    return [Moved(*row) for row in await connection.fetch(_DIFFERENCES, live, space)]


async def swap(connection: Any, live: Found, space: ResolutionRow) -> None:
    """Make the space the tenant's live one."""
    await connection.execute(_END, live.tenant, live.name, live.version)
    await connection.execute(
        "UPDATE spaces SET state = 'live' WHERE tenant = $1 AND name = $2", space.tenant, space.name
    )


async def left_behind(connection: Any, since: float) -> list[ResolutionRow]:
    """Spaces that nobody has read for so many seconds."""
    return [ResolutionRow(*row) for row in await connection.fetch(_LEFT, since)]


async def clear_some(connection: Any, space: ResolutionRow, most: int) -> int:
    """Delete some rows of a space that was left, in the end its own; how many of the others that were."""
    gone = 0
    for table in READ_MODELS:
        status = await connection.execute(
            f"DELETE FROM {table.name} WHERE ctid = ANY(ARRAY("  # noqa: S608 - a constant name
            f"SELECT ctid FROM {table.name} WHERE tenant = $1 LIMIT $2))",
            space.name,
            most,
        )
        gone += int(status.rpartition(" ")[2])
    if not gone:
        await connection.execute("DELETE FROM spaces WHERE tenant = $1 AND name = $2", space.tenant, space.name)
    return gone
