"""Reading who is who, in a tenant's live space.

A contact of whom nothing was ever stated has no row and is a customer by itself under its own personal id: what is
not found here stands for itself, and whether there is such a contact at all is for the contacts' table to say.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.identity.tables import ConflictRow

_CUSTOMERS_OF: Final = "SELECT contact_id, customer_id FROM members WHERE tenant = $1 AND contact_id = ANY($2::uuid[])"
_KNOWN_BY: Final = """
SELECT m.contact_id, m.contact, m.customer_id, k.member_id, k.phone, k.email
FROM members c JOIN members m ON m.tenant = c.tenant AND m.customer_id = c.customer_id
LEFT JOIN customers k ON k.tenant = m.tenant AND k.customer_id = m.customer_id
WHERE c.tenant = $1 AND c.contact_id = $2 ORDER BY m.contact COLLATE "C"
"""
_KEYS: Final = """
SELECT contact_id, channel || ':' || account || ':' || uid FROM contacts
WHERE tenant = $1 AND contact_id = ANY($3::uuid[])
UNION SELECT contact_id, contact FROM members WHERE tenant = $2 AND contact_id = ANY($3::uuid[])
"""
_HOLDERS: Final = """
SELECT l.tier, m.contact_id, m.contact, m.customer_id
FROM links l JOIN members m ON m.tenant = l.tenant AND m.contact_id = l.contact_id
WHERE l.tenant = $1 AND l.type = $2 AND l.value = $3 AND (l.tier, l.contact_id) > ($4, $5)
ORDER BY l.tier, l.contact_id LIMIT $6
"""
_CONFLICTS: Final = (
    f"SELECT {', '.join(ConflictRow._fields)} FROM refusals "  # noqa: S608 - names are constants
    "WHERE tenant = $1 AND (at, contact_id, type, value) < ($2, $3, $4, $5) "
    "AND ($6::text[] IS NULL OR reason = ANY($6)) "
    "ORDER BY at DESC, contact_id DESC, type DESC, value DESC LIMIT $7"
)


class Holder(NamedTuple):
    """A contact that holds a value, how strongly, and the customer it belongs to."""

    tier: int
    contact_id: UUID
    contact: str
    customer_id: UUID


class Member(NamedTuple):
    """A contact of a customer, and what the customer is known by."""

    contact_id: UUID
    contact: str
    customer_id: UUID
    member_id: str | None
    phone: str | None
    email: str | None


class Place(NamedTuple):
    """Where a refused link stands among a tenant's, newest first."""

    at: int
    contact_id: UUID
    type: str
    value: str


FIRST_HOLDER: Final = (-1, UUID(int=0))
NEWEST: Final = Place(2**63 - 1, UUID(int=0), "", "")


def place_of(row: ConflictRow) -> Place:
    """Where a page that follows this refused link begins."""
    return Place(row.at, row.contact_id, row.type, row.value)


async def customers_of(connection: Any, space: str, contact_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The customers of those of the contacts that have identity evidence; any other is a customer by itself."""
    found = await connection.fetch(_CUSTOMERS_OF, space, contact_ids)
    return {row["contact_id"]: row["customer_id"] for row in found}


async def together(connection: Any, space: str, any_id: UUID) -> list[Member]:
    """The contacts of the customer that any id leads to, by their keys, as of one moment; none if nothing was stated.

    Among them may be contacts of whom others spoke before they were ever seen.
    """
    return [Member(*row) for row in await connection.fetch(_KNOWN_BY, space, any_id)]


async def keys_of(connection: Any, tenant: str, space: str, contact_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The keys of those of the contacts that there are, whether seen themselves or only spoken of."""
    found = await connection.fetch(_KEYS, tenant, space, contact_ids)
    return {contact_id: key for contact_id, key in found}  # noqa: C416 - a record is no pair to the type checker


async def holders(  # noqa: PLR0913 - a value, and where its next page begins
    connection: Any,
    space: str,
    type_name: str,
    value: str,
    *,
    after: tuple[int, UUID] = FIRST_HOLDER,
    limit: int,
) -> list[Holder]:
    """Who holds a normalised value, the strongest first; the next page is after the last one's (tier, contact_id)."""
    return [Holder(*row) for row in await connection.fetch(_HOLDERS, space, type_name, value, *after, limit)]


async def conflicts(
    connection: Any, space: str, *, after: Place = NEWEST, reasons: Sequence[str] | None = None, limit: int
) -> list[ConflictRow]:
    """Refused links, those first whose refusal came to be last, of these reasons (none: all)."""
    return [ConflictRow(*row) for row in await connection.fetch(_CONFLICTS, space, *after, reasons, limit)]
