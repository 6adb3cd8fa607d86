"""The tables of customer rows: what search, sorting and export read, and how far it is behind.

They come from the rows of contacts and of identity, by the worker's composer. So `onefold verify` compares them with
what those rows add up to, and not with the log.
"""

from typing import Annotated, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.metadata import FOR_READERS, Int, define

JsonB = Annotated[str, JSONB()]
TermIds = Annotated[tuple[int, ...], sa.ARRAY(sa.BigInteger())]
Ids = Annotated[tuple[UUID, ...], sa.ARRAY(sa.Uuid())]
Texts = Annotated[tuple[str, ...], sa.ARRAY(sa.Text(collation="C"))]


class CustomerSummaryRow(NamedTuple):
    """An Omni-customer, summed up; times in ms, UTC, null for never.

    No value depends on the clock: ``tags`` has those that have run out, too, as JSON by tag, a list of (count, latest
    time, end or null) for each end, and ``tags_end_at`` is when the first of them runs out, null for none that does.
    ``attributes`` is JSON by key of (type, value, time). ``terms`` are the ids of
    what can be asked of it (`terms`), sorted; ``names`` are its names as a search compares them, and ``grams`` the ids
    of what they contain. ``valid_since`` is when the latest of its valid addresses subscribed, null for none, and
    ``valid_days`` what it adds to the counters of customers: JSON, a list of (day, valid, began, ended) as in
    `DayCounts`. The hours are those of the times, counted since 1970: they are indexed, and change seldom.
    """

    tenant: str
    customer_id: UUID
    member_id: str | None
    phone: str | None
    email: str | None
    name: str | None
    valid: bool
    contacts: Int
    conflicts: Int
    first_seen_at: int
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None
    last_customer_hour: Int | None
    last_team_hour: Int | None
    last_marketing_hour: Int | None
    tags: JsonB
    attributes: JsonB
    terms: TermIds
    names: Texts
    grams: TermIds
    valid_since: int | None
    valid_days: str
    tags_end_at: int | None


class CustomerContactRow(NamedTuple):
    """A contact of a customer, as searches ask of it. Of its latest times, in the contact's own row, it has the hours.

    The hours are counted since 1970.
    ``account`` is ``channel:account``. ``bound`` is the way in which it was bound to the website (官網綁定).
    ``opted_out`` are the kinds of marketing that its address refused, sorted. ``notified`` are the topics of its
    recurring notifications, sorted. A valid one counts for quota as the contact ``counted_as`` that subscribed at
    ``counted_at``, the first of its address.
    """

    tenant: str
    customer_id: UUID
    contact_id: UUID
    contact: str
    channel: str
    account: str
    subscribed: bool | None
    subscribed_at: int | None
    valid: bool
    bound: str | None
    staff: str | None
    branch: str | None
    opted_out: Texts
    notified: Texts
    counted_at: int | None
    counted_as: str | None
    first_seen_at: int
    last_customer_hour: Int | None
    last_team_hour: Int | None
    last_marketing_hour: Int | None


class AddressContactRow(NamedTuple):
    """A contact whose address has others, too: what has to be corrected where contacts by themselves are counted.

    ``counted_since`` is its place if it is the one that counts for the address, else null. ``extra`` says that it
    counts though it is not valid by itself. ``days`` is JSON of the corrections, a list of (day, valid, began, ended)
    as in `DayCounts`.
    """

    tenant: str
    customer_id: UUID
    contact_id: UUID
    channel: str
    account: str
    uid: str
    counted_since: int | None
    extra: bool
    days: str


class ComposedDayRow(NamedTuple):
    """Counts of one day, as in `DayCounts`: the corrections of all addresses of an account.

    Without a channel and an account: of the customers, as in their rows.
    """

    tenant: str
    channel: str
    account: str
    day: Int
    valid: int
    began: int
    ended: int


class CustomerTermRow(NamedTuple):
    """How many of a tenant's customers have a term, by its id; ``kind`` and ``value`` are what it says.

    A term that no customer has any more stays, with a count of 0.
    """

    tenant: str
    term: int
    kind: str
    value: str
    customers: int


class AttributeValueRow(NamedTuple):
    """How many customers have a value of an attribute; one that none has any more is gone.

    ``text`` is the value, as JSON unless it is a text; ``kind`` is `string`, `number` or `boolean`. Long ones are not
    counted.
    """

    tenant: str
    key: str
    text: str
    kind: str
    customers: int


class TagEndRow(NamedTuple):
    """On how many customers a tag runs out at a time, in ms: the last of it does."""

    tenant: str
    tag: str
    ends_at: int
    customers: int


class ComposedRow(NamedTuple):
    """How far a tenant's customer rows are made.

    ``position`` is the last contact of a pass over all of them that is under way, null after it. ``vector`` is JSON of
    the next offset of each partition, by topic: without a pass, the rows are what the log up to there comes to. It is
    null while more is known to have changed. ``turn`` is the number of the composer's latest turn.
    """

    tenant: str
    resolution_id: str
    position: UUID | None
    vector: JsonB | None
    turn: int


class ComposedChangeRow(NamedTuple):
    """The customers that the composer wrote, or deleted, in one of its turns; for who keeps what it made of their rows.

    Of those that were ``seen`` only times are others. Turns of passes over all customers have no row, nor old ones.
    """

    tenant: str
    turn: int
    changed: Ids
    seen: Ids


def _of_contacts_by(name: str) -> sa.Index:
    """An index that finds customers by a time of their contacts on a channel, without a look at any row."""
    return sa.Index(
        f"customer_contacts_{name.removesuffix('_hour')}",
        *("tenant", "channel", name, "customer_id", "contact_id"),
        postgresql_where=sa.column(name).is_not(None),
        info=FOR_READERS,
    )


CUSTOMER_ROWS: Final = define(
    "customer_rows",
    CustomerSummaryRow,
    sa.Index("customer_rows_terms", "terms", postgresql_using="gin", info=FOR_READERS),
    sa.Index("customer_rows_grams", "grams", postgresql_using="gin", info=FOR_READERS),
    sa.Index("customer_rows_last_customer", "tenant", "last_customer_hour", "customer_id", info=FOR_READERS),
    sa.Index("customer_rows_last_team", "tenant", "last_team_hour", "customer_id", info=FOR_READERS),
    sa.Index("customer_rows_last_marketing", "tenant", "last_marketing_hour", "customer_id", info=FOR_READERS),
    sa.Index("customer_rows_first_seen", "tenant", "first_seen_at", "customer_id", info=FOR_READERS),
    sa.Index("customer_rows_name", "tenant", "name", "customer_id", info=FOR_READERS),
    *(
        sa.Index(
            f"customer_rows_{name}", "tenant", name, postgresql_where=sa.column(name).is_not(None), info=FOR_READERS
        )
        for name in ("member_id", "phone", "email")
    ),
    sa.Index(
        "customer_rows_valid",
        *("tenant", "valid_since", "customer_id"),
        postgresql_where=sa.column("valid_since").is_not(None),
        info=FOR_READERS,
    ),
    key=2,
    fillfactor=70,
)
CUSTOMER_CONTACTS: Final = define(
    "customer_contacts",
    CustomerContactRow,
    sa.Index(
        "customer_contacts_counted",
        *("tenant", "counted_at", "customer_id", "contact_id"),
        postgresql_where=sa.column("counted_at").is_not(None),
        info=FOR_READERS,
    ),
    *map(
        _of_contacts_by,
        ("last_customer_hour", "last_team_hour", "last_marketing_hour", "subscribed_at", "first_seen_at"),
    ),
    key=3,
)
CUSTOMER_TERMS: Final = define(
    "customer_terms",
    CustomerTermRow,
    sa.Index("customer_terms_of_kind", "tenant", "kind", "value", info=FOR_READERS),
    key=2,
    fillfactor=70,
)
ADDRESS_CONTACTS: Final = define(
    "address_contacts",
    AddressContactRow,
    sa.Index("address_contacts_contact", "tenant", "contact_id", info=FOR_READERS),
    sa.Index(
        "address_contacts_extra",
        *("tenant", "counted_since"),
        postgresql_where=sa.column("extra").is_(sa.true()),
        info=FOR_READERS,
    ),
    key=3,
)
COMPOSED_DAYS: Final = define("composed_days", ComposedDayRow, key=4, fillfactor=70)
ATTRIBUTE_VALUES: Final = define("attribute_values", AttributeValueRow, key=4, fillfactor=70)
TAG_ENDS: Final = define("tag_ends", TagEndRow, key=3, fillfactor=70)
COMPOSED: Final = define("composed", ComposedRow, key=1)
COMPOSED_CHANGES: Final = define(
    "composed_changes",
    ComposedChangeRow,
    sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    key=2,
)
TABLES: Final = (
    CUSTOMER_ROWS, CUSTOMER_CONTACTS, CUSTOMER_TERMS, ATTRIBUTE_VALUES, TAG_ENDS, ADDRESS_CONTACTS, COMPOSED_DAYS,
    COMPOSED, COMPOSED_CHANGES,
)  # fmt: skip
