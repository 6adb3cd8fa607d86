"""The tables of identity: what was stated, whom it ties together, and which customers that makes.

All but ``told``, ``changes`` and ``relayed`` are a function of the set of events. A contact has a row in
``members`` once something was stated by it or about it; any other contact is a customer by itself under its own
personal id, which needs no row, so readers fall back to that.

- ``statements``: each event that was given, once: what tells a repeat from news, and news from a contradiction. (Which
  events are given for their intrinsic identifiers alone, beside the first, and which restatements of them, beside the
  last, depends on the order in which they came; `projections.intrinsics` says what is given. Nothing else shows it.)
- ``members``: a contact's evidence, as it was stated, with the customer it belongs to and its *component*: the
  contacts that could become one customer with it if only refused links were not refused. Components are cut
  exactly, and each goes by the id of its first contact, so one lookup finds all that a change can touch.
- ``links``: who holds a value and how strongly, in the order of strength: reading the first few beyond the fan-out
  limit tells whether too many hold it, whether they are eleven or a hundred thousand.
- ``namings``: who stated a contact to be its identifier, and when first.
- ``customers``: the contacts of a customer counted, its member id, its best phone and e-mail.
- ``refusals``: links that join nothing, with the reason; ``at`` is when the last of what it took was stated.
- ``told``: how many changes of each customer there were; ``changes``: those that are still to be told to others, in
  the order of ``id``; ``relayed`` is how far the topic has them.
"""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import Int, Json, SmallInt, define


class StatementRow(NamedTuple):
    """What an event says of identity. ``intrinsic`` and ``said`` are JSON lists."""

    tenant: str
    contact_id: UUID
    event_id: str
    at: int
    type: str
    source: str
    intrinsic: Json
    said: Json


class MemberRow(NamedTuple):
    """A contact: its evidence, its customer, its component.

    ``holdings`` and ``decisions`` are JSON; a decision is kept with the lesser contact key of its pair.
    """

    tenant: str
    contact_id: UUID
    contact: str
    customer_id: UUID
    component: UUID
    refused: Int
    named_at: int | None
    holdings: Json
    decisions: Json


class LinkRow(NamedTuple):
    """That a contact holds a (normalised) value, after the rules that only look at the contact itself."""

    tenant: str
    type: str
    value: str
    tier: SmallInt
    contact_id: UUID


class ReferenceRow(NamedTuple):
    """That ``by_id`` stated the contact to be its identifier, at ``at`` first."""

    tenant: str
    contact_id: UUID
    by_id: UUID
    at: int


class CustomerRow(NamedTuple):
    """An Omni-customer.

    Phone and e-mail are the strongest, then latest, of those not held by too many; ``_at`` and ``_by`` are the event
    that stated them last. ``exclusive`` is the resolver's: what nobody else in the component differs in.
    """

    tenant: str
    customer_id: UUID
    founder: str
    founded_at: int | None
    contacts: Int
    member_id: str | None
    phone: str | None
    phone_tier: SmallInt | None
    phone_at: int | None
    phone_by: str | None
    email: str | None
    email_tier: SmallInt | None
    email_at: int | None
    email_by: str | None
    exclusive: str | None


class ConflictRow(NamedTuple):
    """A link that joins nothing; of type ``staff``, the value is the other contact's key. ``detail`` is a JSON list."""

    tenant: str
    contact_id: UUID
    type: str
    value: str
    contact: str
    tier: SmallInt
    reason: str
    detail: Json
    at: int


class ToldRow(NamedTuple):
    """How many changes of a customer there were: the latest one's ``seq``."""

    tenant: str
    customer_id: UUID
    seq: int


class ChangeRow(NamedTuple):
    """A change to be told, as JSON; ``seq`` counts a customer's changes from 1."""

    tenant: str
    customer_id: UUID
    seq: int
    payload: str


class RelayedRow(NamedTuple):
    """Where in a partition of the topic of changes everything before was acknowledged and removed from ``changes``."""

    topic: str
    partition: Int
    next_offset: int


STATEMENTS: Final = define("statements", StatementRow, key=3, fillfactor=100)
MEMBERS: Final = define(
    "members",
    MemberRow,
    sa.Index("members_of_customer", "tenant", "customer_id"),
    sa.Index("members_of_component", "tenant", "component"),
    key=2,
    fillfactor=70,
)
LINKS: Final = define("links", LinkRow, key=5, fillfactor=100)
NAMINGS: Final = define("namings", ReferenceRow, sa.Index("namings_earliest", "tenant", "contact_id", "at"), key=3)
CUSTOMERS: Final = define("customers", CustomerRow, key=2)
REFUSALS: Final = define(
    "refusals", ConflictRow, sa.Index("refusals_newest", "tenant", "at", "contact_id", "type", "value"), key=4
)
TOLD: Final = define("told", ToldRow, key=2, fillfactor=70)
CHANGES: Final = define(
    "changes",
    ChangeRow,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Index("changes_in_order", "id"),
    key=3,
)
RELAYED: Final = define("relayed", RelayedRow, key=2)

# What a generation is made of, beside the tables of projections.registry.
TABLES: Final[tuple[sa.Table, ...]] = (STATEMENTS, MEMBERS, LINKS, NAMINGS, CUSTOMERS, REFUSALS, TOLD, CHANGES, RELAYED)
# Of these, what the set of events alone decides.
READ_MODELS: Final[tuple[sa.Table, ...]] = (STATEMENTS, MEMBERS, LINKS, NAMINGS, CUSTOMERS, REFUSALS)
