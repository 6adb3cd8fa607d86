"""When the team last wrote to contacts that are one address, of whose messages each contact may tell.

WhatsApp has two contacts of one person: the number and the BSUID. What is sent to the one may be echoed to the other.
A contact's own row counts by the contact alone, since its partition knows no other; so the times are read again here.
Where none of a contact's latest `MOST_LOOKED_AT` events counts, it has no time of its own: the search stays bounded.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.contacts.folds import MARKETING_PURPOSES
from projections.contacts.tables import ContactRow
from projections.engine.connection import Connection
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns
from projections.timeline.messages import SENT
from projections.timeline.selects import ADDRESSES, Addresses, counts, is_echo_of_another, pairs_of
from projections.timeline.tables import TABLE as TIMELINE

MOST_LOOKED_AT: Final = 2_000  # events of any type, until the time that counts for the contact by itself


class TeamTimes(NamedTuple):
    """When the team last wrote in a conversation, and last sent marketing."""

    team_at: int | None
    marketing_at: int | None


def _team_times_statement(most: int = MOST_LOOKED_AT) -> str:
    """The latest times of the team's messages to contacts, without echoes of what their addresses tell elsewhere.

    ``team_at`` and ``marketing_at`` are the times that count for each contact by itself: where the event of that time
    counts, it is the first that is read.
    """
    given = unnested(
        "given",
        [TIMELINE.c.contact_id, sa.column("team_at", sa.BigInteger()), sa.column("marketing_at", sa.BigInteger())],
    )

    def latest(until: sa.ColumnElement[Any], purposes: Iterable[str]) -> sa.ScalarSelect[Any]:
        own = TIMELINE.alias(f"of_{until.key}")
        event = (
            sa.select(own)
            .where(
                own.c.tenant == sa.bindparam("tenant"),
                own.c.contact_id == given.c.contact_id,
                own.c.occurred_at <= until,
            )
            .order_by(own.c.occurred_at.desc())
            .limit(most)
            .correlate(given)
            .subquery(f"latest_{until.key}")
        )
        return (
            sa.select(event.c.occurred_at)
            .where(
                event.c.type == SENT,
                event.c.data["purpose"].astext.in_(sorted(purposes)),
                counts(event, SENT),
                ~is_echo_of_another(event),
            )
            .order_by(event.c.occurred_at.desc())
            .limit(1)
            .scalar_subquery()
        )

    return compiled(
        sa.select(
            given.c.contact_id,
            latest(given.c.team_at, {"conversation"}).label("team"),
            latest(given.c.marketing_at, MARKETING_PURPOSES).label("marketing"),
        ),
        *("tenant", *given.c.keys(), *ADDRESSES),
    )


_TEAM_TIMES: Final = _team_times_statement()


async def team_times(
    connection: Connection, tenant: str, contacts: Iterable[ContactRow], addresses: Addresses
) -> dict[UUID, TeamTimes]:
    """When the team last wrote to contacts, as if no message were echoed to one contact that another tells of.

    The contacts are of the addresses.
    """
    given = [(one.contact_id, one.last_team_at, one.last_marketing_at) for one in contacts]
    found = await connection.fetch(_TEAM_TIMES, tenant, *columns(given), *pairs_of(addresses))
    return {contact_id: TeamTimes(*times) for contact_id, *times in found}
