"""The tables of identity: what was stated, whom it ties together, and which customers that makes.

They are a function of the set of events. A contact has a row in ``members`` once something was stated by it or about
it; any other contact is a customer by itself under its own personal id, which needs no row, so readers fall back to
that.

What was stated is the tenant's, whatever its policy:

- ``statements``: each event that says something of identity, once: what tells a repeat from new_evidence;
- ``member_merges``: each event that says which member id became another's;
- ``erased_contacts``, ``erased_statements``: what an erasure leaves of a contact: when it was, and hashes of the ids of
  the events that it erased; as in ``statements``, of those that were sent, whose number depends on their order.

What it means is a *resolution*'s, one build of identity under one policy version; a tenant has one that is active, and
may have another that is being built beside it:

- ``canonical_ids``: the member ids that became another's;
- ``contact_states``: when a contact was founded, and who logged in on it;
- ``holdings``: what a contact stated, by session and identifier, and the link that the node's own rules leave of it;
  the holders of an identifier are read from an index of it, the strongest first;
- ``statuses``: identifiers that link nothing at some tier (*generic value*, *shared value*), or that too many hold to
  count them;
- ``contact_references``: who named a contact, and since when; ``pair_decisions``: what staff decided;
- ``members``: the nodes, a contact or one session of a browser, with the customer and the *component*: the nodes that
  could become one customer with it if only the links that *join* refuses were not refused;
- ``customers``: their contacts counted, member id, best phone and e-mail;
- ``conflicts``: links that were refused, with the reason;
- ``set_aside``: values that are no evidence, with the reason.

``policies`` and ``resolutions`` are the policies that tenants set, and the state of each resolution. The outbox of
customer changes is no part of a generation: see `projections.identity.outbox`.
"""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import FOR_READERS, Int, Json, SmallInt, define
from projections.erasures.tables import ErasedEventRow, ErasureRow


class StatementRow(NamedTuple):
    """An event that says something of identity. ``content`` is canonical JSON of its data and intrinsic identifiers."""

    tenant: str
    contact_id: UUID
    event_id: str
    contact: str
    at: int
    type: str
    content: str


class MemberMergeRow(NamedTuple):
    """An event that says that a member id became another's; ``member_id`` is as it was stated, without white space."""

    tenant: str
    event_id: str
    member_id: str
    at: int
    type: str
    content: str


class CanonicalIdRow(NamedTuple):
    """What a member id became last, and the end of the chain that this begins."""

    tenant: str
    resolution_id: str
    member_id: str
    into_id: str
    canonical: str


class ContactStateRow(NamedTuple):
    """A contact of which something was stated. ``logins`` is a JSON list of a browser's, null where there are none.

    ``left_out`` is whether it claims more than a hundred values of a type, so that some are left out.
    ``named`` is whether another contact ever named it; nothing by it or about it is later than ``latest_at``. Both save
    look-ups, and may be so by evidence that does not count any more.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    contact: str
    named: bool
    latest_at: int | None
    stated_at: int | None
    founded_at: int | None
    left_out: bool
    logins: Json | None


class HoldingRow(NamedTuple):
    """What was stated of one identifier in one session; ``target`` is the session of the browser that is bound to.

    ``stamps`` is a JSON list of when each kind of statement was made. ``tier`` is that of the link which the node's own
    rules leave, null where there is none. ``since`` is the earliest live statement and the rest the latest, null where
    nothing of it is live. ``spellings`` is a JSON list of how live statements write the value, the last of them at the
    end; null where only as the value itself.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    session: str
    type: str
    value: str
    target: str
    stamps: Json
    tier: SmallInt | None
    since: int | None
    rank: SmallInt | None
    latest_at: int | None
    latest_by: str | None
    spellings: Json | None


class StatusRow(NamedTuple):
    """At which tiers an identifier links nothing; ``status`` is a JSON list."""

    tenant: str
    resolution_id: str
    type: str
    value: str
    target: str
    status: Json


class ReferenceRow(NamedTuple):
    """That ``by_id`` named the contact, and when first."""

    tenant: str
    resolution_id: str
    contact_id: UUID
    by_id: UUID
    contact: str
    by_contact: str
    first_at: int


class PairDecisionRow(NamedTuple):
    """What staff decided last of two contacts, as one of them states it, with the sessions at its time."""

    tenant: str
    resolution_id: str
    by_id: UUID
    other_id: UUID
    by_contact: str
    other_contact: str
    at: int
    event_id: str
    verdict: str
    by_session: str
    other_session: str


class MemberRow(NamedTuple):
    """A node: a contact, or a session of a browser. ``current`` says that its contact is with it.

    ``customer_id`` is null for a past session whose cluster holds no contact. ``by_claim`` is whether all that ties it
    is claims, null where nothing does. ``features`` is a JSON list of what other holders of its identifiers read of it.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    session: str
    contact: str
    customer_id: UUID | None
    component_id: UUID
    current: bool
    by_claim: bool | None
    features: Json


class CustomerRow(NamedTuple):
    """An Omni-customer, with what it is known by. Phone and e-mail are as they were written.

    ``preferred`` is a JSON list of how strongly it has them. ``clear`` is null where something stands against a link in
    its component; else it is a JSON list of the component's least node and its values of exclusive types.
    """

    tenant: str
    resolution_id: str
    customer_id: UUID
    founder: str
    founded_at: int | None
    contacts: Int
    member_id: str | None
    phone: str | None
    email: str | None
    preferred: Json
    clear: Json | None


class ConflictRow(NamedTuple):
    """A link that joins nothing.

    The value of a ``contact`` or ``staff`` link is a contact's key, and ``target`` its session. ``detail`` is a JSON
    list of what stood against it.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    session: str
    type: str
    value: str
    target: str
    contact: str
    tier: SmallInt
    since: int
    reason: str
    detail: Json


class SetAsideRow(NamedTuple):
    """A value of an event that is no evidence: it is as it was stated, or normalised if its contact claims too many.

    ``digest`` tells the values of one event apart: the values themselves may be too long for a key. As in
    ``statements``, the events with an intrinsic value are those that were sent, whose number depends on their order.
    """

    tenant: str
    resolution_id: str
    contact_id: UUID
    event_id: str
    digest: int
    at: int
    contact: str
    type: str
    value: str
    reason: str


class PolicyRow(NamedTuple):
    """A policy that a tenant set, by the event that set it; the greatest by (at, event_id) is in force.

    Of copies of the event the least by (at, content) counts; ``content`` is canonical JSON of its data. ``policy`` is
    null if that is none. ``resolution_id`` is that of the resolution by it.
    """

    tenant: str
    event_id: str
    at: int
    content: str
    resolution_id: str
    policy: Json | None
    set_by: str | None
    note: str | None


class ResolutionRow(NamedTuple):
    """A resolution: the version of its policy, its state, and how many statements of how many it has.

    ``state`` is ``building``, ``active`` or ``retired``. ``position`` is the (contact_id, event_id) of the last folded
    statement, as text. A tenant that never set a policy has no row: its resolution by the default policy is active.
    """

    tenant: str
    resolution_id: str
    version: str
    state: str
    total: int
    done: int
    position: str


STATEMENTS: Final = define("statements", StatementRow, key=3, fillfactor=100)
MEMBER_MERGES: Final = define(
    "member_merges",
    MemberMergeRow,
    sa.Index("member_merges_of_id", "tenant", "member_id"),
    sa.Index("member_merges_newest", "tenant", "at", "event_id"),
    key=2,
)
ERASED_CONTACTS: Final = define("erased_contacts", ErasureRow, key=2)
ERASED_STATEMENTS: Final = define("erased_statements", ErasedEventRow, key=3, fillfactor=100)
CANONICAL_IDS: Final = define(
    "canonical_ids",
    CanonicalIdRow,
    sa.Index("canonical_ids_of_end", "tenant", "resolution_id", "canonical"),
    key=3,
)
CONTACT_STATES: Final = define("contact_states", ContactStateRow, key=3)
HOLDINGS: Final = define("holdings", HoldingRow, key=7)
sa.Index(
    "holdings_holders",
    HOLDINGS.c.tenant,
    HOLDINGS.c.resolution_id,
    HOLDINGS.c.type,
    HOLDINGS.c.value,
    HOLDINGS.c.target,
    HOLDINGS.c.tier,
    HOLDINGS.c.contact_id,
    HOLDINGS.c.session,
    postgresql_where=HOLDINGS.c.tier.is_not(None),
)
# Few holdings make no link. They are looked for when it is asked who stated a value at a time in the past.
sa.Index(
    "holdings_unlinked",
    HOLDINGS.c.tenant,
    HOLDINGS.c.resolution_id,
    HOLDINGS.c.type,
    HOLDINGS.c.value,
    postgresql_where=HOLDINGS.c.tier.is_(None),
)
# Whether a holding makes a link, said so that the planner does not take the index above: for a contact's own holdings,
# a young table's statistics give it no reason to prefer the primary key.
IS_LINK: Final = sa.func.coalesce(HOLDINGS.c.tier, -1) >= 0
sa.Index(
    "holdings_of_member_id",
    HOLDINGS.c.tenant,
    HOLDINGS.c.resolution_id,
    HOLDINGS.c.value,
    postgresql_where=HOLDINGS.c.type == sa.literal_column("'member_id'"),
)
STATUSES: Final = define("statuses", StatusRow, key=5)
REFERENCES: Final = define(
    "contact_references",
    ReferenceRow,
    sa.Index("contact_references_earliest", "tenant", "resolution_id", "contact_id", "first_at"),
    sa.Index("contact_references_by", "tenant", "resolution_id", "by_id"),
    key=4,
)
PAIR_DECISIONS: Final = define(
    "pair_decisions",
    PairDecisionRow,
    sa.Index("pair_decisions_of_other", "tenant", "resolution_id", "other_id"),
    sa.Index("pair_decisions_newest", "tenant", "resolution_id", "at", "event_id", "by_id"),
    key=4,
)
MEMBERS: Final = define(
    "members",
    MemberRow,
    # These do not begin with the key's columns: without statistics the planner would take them for look-ups by the key.
    sa.Index("members_of_customer", "customer_id", "tenant", "resolution_id"),
    sa.Index("members_of_component", "component_id", "tenant", "resolution_id"),
    key=4,
    fillfactor=70,
)
CUSTOMERS: Final = define("customers", CustomerRow, key=3)
CONFLICTS: Final = define(
    "conflicts",
    ConflictRow,
    sa.Index("conflicts_newest", "tenant", "resolution_id", "since", "contact_id", "type", "value"),
    sa.Index(
        "conflicts_strongest",
        "tenant",
        "resolution_id",
        "tier",
        "since",
        "contact_id",
        "type",
        "value",
        info=FOR_READERS,
    ),
    key=7,
)
SET_ASIDE: Final = define(
    "set_aside",
    SetAsideRow,
    sa.Index("set_aside_newest", "tenant", "resolution_id", "at", "contact_id", "event_id", "digest"),
    key=5,
)
POLICIES: Final = define("policies", PolicyRow, key=2)
RESOLUTIONS: Final = define("resolutions", ResolutionRow, sa.Column("retired_at", sa.DateTime(timezone=True)), key=2)
sa.Index("resolutions_active", RESOLUTIONS.c.tenant, unique=True, postgresql_where=RESOLUTIONS.c.state == "active")
EVIDENCE: Final[tuple[sa.Table, ...]] = (STATEMENTS, MEMBER_MERGES, ERASED_CONTACTS, ERASED_STATEMENTS)
# What a resolution is made of.
RESOLVED: Final[tuple[sa.Table, ...]] = (
    CANONICAL_IDS,
    CONTACT_STATES,
    HOLDINGS,
    STATUSES,
    REFERENCES,
    PAIR_DECISIONS,
    MEMBERS,
    CUSTOMERS,
    CONFLICTS,
    SET_ASIDE,
)
# What the set of events alone decides.
READ_MODELS: Final = (*EVIDENCE, *RESOLVED)
TABLES: Final = (*READ_MODELS, POLICIES, RESOLUTIONS)
