"""Reading timelines, newest first, page by page.

A page ends after so many events or so many bytes, whichever comes first: one event can be a megabyte, and a page of
them must not be two hundred. The next page begins after a *place*, not after a number of rows, so events that arrive
in between neither repeat a row nor hide one.

A message reads as it was last edited, and one that was unsent has no content (`messages` says why here).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.timeline.messages import as_shown

_PAGE: Final = """
WITH page AS (
    SELECT t.*, c.channel, c.account, c.uid
    FROM contacts c CROSS JOIN LATERAL (
        SELECT e.occurred_at, e.event_id, e.contact_id, e.received_at, e.type, e.source, e.data
        FROM timeline e
        WHERE e.tenant = $1 AND e.contact_id = c.contact_id
            AND (e.occurred_at, e.event_id, e.contact_id) < ($3, $4, $5)
            AND ($6::text[] IS NULL OR e.type = ANY($6))
        ORDER BY e.occurred_at DESC, e.event_id DESC
        LIMIT $7 + 1
    ) t
    WHERE c.tenant = $1 AND c.contact_id = ANY($2::uuid[])
    ORDER BY t.occurred_at DESC, t.event_id DESC, t.contact_id DESC
    LIMIT $7 + 1
), changed AS (
    SELECT page.occurred_at, page.event_id, page.contact_id, page.received_at, page.type, page.source,
        CASE WHEN change.type = 'message.edited' THEN change.data ELSE page.data END AS data,
        page.channel, page.account, page.uid, change.type AS change
    FROM page LEFT JOIN LATERAL (
        SELECT c.type, c.data
        FROM timeline c
        WHERE page.type IN ('message.received', 'message.edited', 'message.unsent', 'team.message_sent')
            AND c.tenant = $1 AND c.contact_id = page.contact_id
            AND c.data ->> 'message_id' = page.data ->> 'message_id'
            AND c.type IN ('message.edited', 'message.unsent')
            AND (c.type = 'message.unsent' OR page.type <> 'team.message_sent')
        ORDER BY c.type = 'message.unsent' DESC, c.occurred_at DESC, c.event_id DESC
        LIMIT 1
    ) change ON true
), measured AS (
    SELECT changed.*, row_number() OVER newest AS number, count(*) OVER () AS found,
        sum(octet_length(data::text)) OVER newest - octet_length(data::text) AS bytes_before
    FROM changed
    WINDOW newest AS (ORDER BY occurred_at DESC, event_id DESC, contact_id DESC ROWS UNBOUNDED PRECEDING)
)
SELECT occurred_at, event_id, contact_id, received_at, type, source, data, channel, account, uid, number < found, change
FROM measured WHERE number <= $7 AND bytes_before < $8 ORDER BY number
"""


class Place(NamedTuple):
    """Where an event stands in a timeline. The contact tells apart two contacts' events of one id and time."""

    occurred_at: int
    event_id: str
    contact_id: UUID


NEWEST: Final = Place(2**63 - 1, "", UUID(int=0))  # a page after this place begins with the newest event


class Entry(NamedTuple):
    """An event of a timeline with the contact it is of; ``data`` is JSON, ``more`` says that older ones follow.

    ``change`` is the type of the event that later changed the message that this one is about.
    """

    occurred_at: int
    event_id: str
    contact_id: UUID
    received_at: int
    type: str
    source: str
    data: str
    channel: str
    account: str
    uid: str
    more: bool
    change: str | None

    @property
    def place(self) -> Place:
        """Where the event stands."""
        return Place(self.occurred_at, self.event_id, self.contact_id)


async def page(  # noqa: PLR0913 - each keyword is one thing a reader may ask for
    connection: Any,
    tenant: str,
    contact_ids: Sequence[UUID],
    *,
    after: Place = NEWEST,
    types: Sequence[str] | None = None,
    limit: int,
    most_bytes: int,
) -> list[Entry]:
    """The contacts' next events, newest first, of these types (none: all). One event always comes, however large."""
    records = await connection.fetch(_PAGE, tenant, contact_ids, *after, types, limit, most_bytes)
    entries = [Entry(*record) for record in records]
    return [one if one.change is None else one._replace(data=as_shown(one.data, one.change)) for one in entries]
