"""What the tables hold of who is who, read in the space that readers read."""

from collections import Counter
from typing import Any, Final

from projections.identity import store
from projections.identity.contact_evidence import evidence_of
from projections.identity.resolution.contact_links import derive_links
from projections.identity.resolutions import live_space
from projections.identity.snapshot import policy_of
from services.demo.membership import Tables

_CONTACTS: Final = "SELECT contact_id, channel || ':' || account || ':' || uid FROM contacts WHERE tenant = $1"
_SIZES: Final = "SELECT customer_id, contacts FROM customers WHERE tenant = $1"
_REFUSED: Final = (
    "SELECT reason, count(*) FROM refusals WHERE tenant = $1 GROUP BY reason ORDER BY count(*) DESC, reason"
)


async def who_is_who(connection: Any, tenant: str, region: str) -> Tables:
    """The tables of a tenant. Call it in one snapshot; ``region`` is for tenants that have none."""
    live = await live_space(connection, tenant)
    policy = policy_of(live, region)
    members, set_aside = {}, Counter[str]()
    async for row in store.all_members(connection, live.name):
        members[row.contact_id] = (row.contact, row.customer_id)
        set_aside.update(one.reason for one in derive_links(row.contact, evidence_of(row).holdings, policy).excluded)
    return Tables(
        contacts=dict(map(tuple, await connection.fetch(_CONTACTS, tenant))),
        members=members,
        sizes=dict(map(tuple, await connection.fetch(_SIZES, live.name))),
        refused=dict(map(tuple, await connection.fetch(_REFUSED, live.name))),
        set_aside=dict(set_aside.most_common()),
    )
