"""The tables of identity: statements, what they link, the customers that follow, and the changes of these.

All tables but those of the outbox are a function of the set of events. A contact has a row in ``members`` once
something was stated by or about it. Any other contact is a customer by itself under its own personal id, which needs
no row: readers fall back to that.

Most tables hold one or two *resolutions* of a tenant: complete builds of its identity, each under one version of its
policy. Their keys begin with (tenant, resolution_id), and nothing of one resolution refers to another.

- ``statements``: each event that was sent to identity, once: tells repeats from new statements, and new statements from
  contradictions. (Which events are sent only for their intrinsic identifiers, or only as restatements, depends on the
  order in which they arrived: see `projections.intrinsics`. No other table shows it.)
- ``members``: the evidence of a contact as it was stated, its customer and its *component*: the contacts that could be
  one customer with it if no link were refused. Components are exact. Each goes by the id of the founder of its first
  customer, so one lookup finds all contacts that a change can touch.
- ``links``: which contacts hold an identifier and how strongly, the strongest first: reading one holder more than the
  limit shows whether the identifier is over its limit, whether eleven hold it or 100,000.
- ``references``: which contacts stated another contact to be their identifier, and when first.
- ``customers``: the summary of each customer (see `customer_summary`).
- ``conflicts``: links that join nothing, with the reason.
- ``policies`` and ``resolutions``: the policies that tenants set, and the state of each resolution.
- ``change_sequences``: the number of changes of each customer; ``outbox``: the changes that are not in the topic of
  customer changes yet, in the order of ``id``; ``outbox_positions``: how far that topic is known to have them.
"""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import Int, Json, Key, SmallInt, define
from projections.identity.keys import Holder, IdentifierKey


class StatementRow(NamedTuple):
    """What an event states about identity. ``intrinsic`` and ``assertions`` are JSON lists, ``at`` is in ms."""

    tenant: str
    resolution_id: str
    contact_id: UUID
    event_id: str
    at: int
    type: str
    source: str
    intrinsic: Json
    assertions: Json


class MemberRow(NamedTuple):
    """A contact: its evidence, its customer, its component, and how many links of it are refused.

    ``holdings`` and ``decisions`` are JSON; a decision belongs to the lesser contact key of its pair.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    contact: str
    customer_id: UUID
    component: UUID
    refused: Int
    first_referenced_at: int | None
    holdings: Json
    decisions: Json


class LinkRow(NamedTuple):
    """That a contact links to a (normalised) identifier, by the rules that only look at the contact itself."""

    tenant: str
    resolution_id: str
    type: str
    value: str
    tier: SmallInt
    contact_id: UUID

    @property
    def identifier(self) -> IdentifierKey:
        """The identifier of the tenant."""
        return (self.tenant, self.type, self.value)

    @property
    def holder(self) -> Holder:
        """The contact that holds it, and how strongly."""
        return (self.tier, self.contact_id)


class ReferenceRow(NamedTuple):
    """That ``by_id`` stated the contact to be its identifier, first at ``at`` (ms)."""

    tenant: str
    resolution_id: str
    contact_id: UUID
    by_id: UUID
    at: int


class CustomerRow(NamedTuple):
    """The summary of a customer.

    Phone and e-mail are the preferred ones; ``_at`` and ``_by`` are the event that stated them last. ``exclusive`` are
    the exclusive values of a conflict-free component as JSON, or null.
    """

    tenant: str
    resolution_id: str
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
    """A link that joins nothing. Of type ``staff``, the value is the other contact's key. ``detail`` is a JSON list.

    ``at`` is when the last statement was made that it took, in ms.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    type: str
    value: str
    contact: str
    tier: SmallInt
    reason: str
    detail: Json
    at: int

    @property
    def key(self) -> Key:
        """The primary key."""
        return self[:5]


class PolicyRow(NamedTuple):
    """A policy that a tenant set, by the event that set it; the greatest by (at, event_id) is in force."""

    tenant: str
    event_id: str
    at: int
    policy: Json
    set_by: str | None
    note: str | None


class ResolutionRow(NamedTuple):
    """A resolution: the version of its policy, its state, and how many statements of how many it has.

    ``state`` is ``building``, ``active`` or ``retired``. ``position`` is the (contact_id, event_id) of the last copied
    statement, as text. A tenant that never set a policy has no row: its resolution by the default policy is active.
    """

    tenant: str
    resolution_id: str
    version: str
    state: str
    total: int
    done: int
    position: str


class ChangeSequenceRow(NamedTuple):
    """How many changes a customer had: the ``seq`` of the latest one."""

    tenant: str
    customer_id: UUID
    seq: int


class OutboxRow(NamedTuple):
    """A change to publish, as JSON; ``seq`` counts a customer's changes from 1."""

    tenant: str
    customer_id: UUID
    seq: int
    payload: str


class OutboxPositionRow(NamedTuple):
    """The offset in a partition of the topic before which every change was removed from the outbox."""

    topic: str
    partition: Int
    next_offset: int


STATEMENTS: Final = define("statements", StatementRow, key=4, fillfactor=100)
MEMBERS: Final = define(
    "members",
    MemberRow,
    # These do not begin with the key's columns: without statistics the planner would take them for look-ups by the key.
    sa.Index("members_of_customer", "customer_id", "tenant", "resolution_id"),
    sa.Index("members_of_component", "component", "tenant", "resolution_id"),
    key=3,
    fillfactor=70,
)
LINKS: Final = define("links", LinkRow, key=6, fillfactor=100)
REFERENCES: Final = define(
    "references",
    ReferenceRow,
    sa.Index("references_earliest", "tenant", "resolution_id", "contact_id", "at"),
    key=4,
)
CUSTOMERS: Final = define("customers", CustomerRow, key=3)
CONFLICTS: Final = define(
    "conflicts",
    ConflictRow,
    sa.Index("conflicts_newest", "tenant", "resolution_id", "at", "contact_id", "type", "value"),
    key=5,
)
POLICIES: Final = define("policies", PolicyRow, key=2)
RESOLUTIONS: Final = define("resolutions", ResolutionRow, sa.Column("retired_at", sa.DateTime(timezone=True)), key=2)
sa.Index("resolutions_active", RESOLUTIONS.c.tenant, unique=True, postgresql_where=RESOLUTIONS.c.state == "active")
CHANGE_SEQUENCES: Final = define("change_sequences", ChangeSequenceRow, key=2, fillfactor=70)
OUTBOX: Final = define(
    "outbox",
    OutboxRow,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Index("outbox_in_order", "id"),
    key=3,
)
OUTBOX_POSITIONS: Final = define("outbox_positions", OutboxPositionRow, key=2)

# The tables that the set of events alone determines.
READ_MODELS: Final[tuple[sa.Table, ...]] = (STATEMENTS, MEMBERS, LINKS, REFERENCES, CUSTOMERS, CONFLICTS)
TABLES: Final[tuple[sa.Table, ...]] = (
    *READ_MODELS,
    POLICIES,
    RESOLUTIONS,
    CHANGE_SEQUENCES,
    OUTBOX,
    OUTBOX_POSITIONS,
)
