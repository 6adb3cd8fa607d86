"""Who is who in numbers: customers by size, how they came to be, and what kept contacts apart."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import httpx
from pydantic import BaseModel

from projections.engine.generation_records import Generation
from projections.identity.resolutions import active_resolution
from schemas.changes import CustomerChange, change_in
from schemas.topics import CUSTOMER_CHANGES
from services.demo.invalid import TENANT
from services.query.core.identity_models import Explanation
from services.runtime.settings import Settings
from services.vault.records import open_log_sealing
from services.verify.log_reader import LogReader

_BY_CHANNEL: Final = """
SELECT channel, count(*) FILTER (WHERE subscribed) AS subscribed, count(*) FILTER (WHERE NOT subscribed) AS blocked,
    count(*) FILTER (WHERE subscribed IS NULL) AS none, count(*) AS contacts
FROM contacts WHERE tenant = $1 GROUP BY channel ORDER BY contacts DESC, channel
"""
_SIZES: Final = """
SELECT contacts, count(*) FROM customers WHERE tenant = $1 AND resolution_id = $2 GROUP BY contacts ORDER BY contacts
"""
_ALONE: Final = """
SELECT count(*) FROM contacts c WHERE tenant = $1 AND NOT EXISTS (
    SELECT FROM members m WHERE m.tenant = $1 AND m.resolution_id = $2 AND m.contact_id = c.contact_id)
"""
_CONFLICTS: Final = """
SELECT reason, count(*) FROM conflicts WHERE tenant = $1 AND resolution_id = $2
GROUP BY reason ORDER BY count(*) DESC, reason
"""
_SET_ASIDE: Final = """
SELECT reason, count(*) FROM set_aside WHERE tenant = $1 AND resolution_id = $2
GROUP BY reason ORDER BY count(*) DESC, reason
"""
_MOST_ASKED: Final = 12  # contacts of the featured customer that are asked about


async def contacts_by_channel(pool: Any) -> list[dict[str, Any]]:
    """Contacts by channel and subscription, the most first."""
    return [dict(row) for row in await pool.fetch(_BY_CHANNEL, TENANT)]


class Customers(BaseModel):
    """How many customers have how many contacts; changes by type; refused links and values set aside, by reason."""

    count: int
    contacts_per_customer: dict[int, int]
    merges: int
    splits: int
    changes: dict[str, int]
    refused: dict[str, int]
    set_aside: dict[str, int]


async def count_customers(settings: Settings, pool: Any, generation: Generation) -> Customers:
    """Count the demo's customers in the tables, and their changes on the topic."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        active = await active_resolution(connection, TENANT)
        sizes = Counter(dict(map(tuple, await connection.fetch(_SIZES, *active.key))))
        sizes[1] += await connection.fetchval(_ALONE, *active.key)  # contacts of which nothing was ever stated
        set_aside = dict(map(tuple, await connection.fetch(_SET_ASIDE, *active.key)))
        refused = dict(map(tuple, await connection.fetch(_CONFLICTS, *active.key)))
    changes = await _read_changes(settings, generation)
    return Customers(
        count=sizes.total(),
        contacts_per_customer=dict(sorted((+sizes).items())),
        changes=Counter(change.type for change in changes),
        # A merger is also announced for each customer that is gone, a split also for the one that was left.
        merges=sum(change.type == "merged" and bool(change.after) for change in changes),
        splits=sum(change.type == "split" and change.before == [] for change in changes),
        refused=refused,
        set_aside=set_aside,
    )


async def _read_changes(settings: Settings, generation: Generation) -> Iterable[CustomerChange]:
    """The demo's customer changes; one that is on the topic twice, or in parts, counts once."""
    changes: dict[tuple[UUID, int], CustomerChange] = {}
    topic = generation.topic_name(CUSTOMER_CHANGES, settings.topic_prefix)
    async with open_log_sealing(settings, name="onefold-demo") as sealing:
        async for values in LogReader(settings.kafka_servers, lambda _: None, sealing).values(topic):
            for change in map(change_in, values):
                if change is not None and change.tenant == TENANT:
                    changes.setdefault((change.customer_id, change.seq), change)
    return changes.values()


async def read_profile(url: str, key: str, contact: dict[str, str]) -> tuple[dict[str, Any], Explanation]:
    """Ask the read API for a contact, and why it is one customer with the contact of its own farthest from it."""
    bearer = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(trust_env=False, timeout=10.0, base_url=url, headers=bearer) as client:

        async def get(path: str, **query: str) -> Any:
            response = await client.get(path, params=query)
            response.raise_for_status()
            return response.json()

        profile = await get("/v1/contacts/{channel}/{account}/{uid}".format(**contact))
        found = await get(f"/v1/customers/{profile['customer_id']}/contacts")
        others = [one["contact"] for one in found["contacts"]][:_MOST_ASKED]
        whys = [
            Explanation.model_validate(await get("/v1/identity/why", a=profile["contact"], b=other)) for other in others
        ]
    return profile, max(whys, key=lambda why: (len(why.chain), why.b.contact))
