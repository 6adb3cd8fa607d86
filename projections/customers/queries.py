"""Reads a customer: who its contacts are, what identity says of each, and their rows.

A handful of statements, whatever the number of contacts. Call everything in one snapshot. A contact that only others
named, with no event of its own, is in no answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from projections.contacts.addresses import addresses_of
from projections.contacts.queries import load_contacts
from projections.contacts.records import ContactRecord
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.folds import CustomerIdentity, OwnContact
from projections.customers.sessions import current_spans, has_past_sessions, in_session
from projections.customers.tables import COMPOSED, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.projection import ContactEvent
from projections.engine.statements import array, compiled
from projections.identity.keys import ResolutionKey
from projections.identity.queries import contacts_of_customer, keys_of, member_ids_of
from projections.identity.resolution.nodes import Sessions
from projections.identity.resolution.policy import Policy
from projections.identity.rows import sessions_of_text
from projections.identity.tables import CONTACT_STATES, CUSTOMERS, HOLDINGS, MEMBERS
from projections.timeline.queries import profile_events
from projections.timeline.team_times import TeamTimes, team_times

_KEY: Final = ("tenant", "resolution_id")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_BROWSERS_AT_ONCE: Final = 20  # what each said is bounded, and what all of them said
_NODE: Final = (*_KEY, "contact_id", "session")


def _in(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The rows of one resolution."""
    return sa.and_(*(table.c[name] == sa.bindparam(name) for name in _KEY))


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[name] == other.c[name] for name in names))


def _customer_of(any_id: str) -> sa.ScalarSelect[UUID]:
    of = MEMBERS.alias("of")
    return (
        sa.select(of.c.customer_id)
        .where(_in(of), of.c.contact_id == sa.bindparam(any_id), of.c.current)
        .scalar_subquery()
    )


def selected_members(*which: sa.ColumnElement[bool], parameters: Sequence[str]) -> str:
    """Selects contacts with their customers, the sessions of browsers, and their intrinsic identifiers."""
    intrinsic = (
        sa.select(sa.func.json_agg(sa.func.json_build_array(HOLDINGS.c.type, HOLDINGS.c.value)))
        .where(_same(HOLDINGS, MEMBERS, *_NODE), HOLDINGS.c.stamps[0].astext.is_not(None))
        .scalar_subquery()
    )
    return compiled(
        sa.select(
            MEMBERS.c.contact_id,
            MEMBERS.c.contact,
            MEMBERS.c.customer_id,
            MEMBERS.c.by_claim,
            CONTACT_STATES.c.logins,
            intrinsic.label("intrinsic"),
        )
        .select_from(MEMBERS.outerjoin(CONTACT_STATES, _same(MEMBERS, CONTACT_STATES, *_KEY, "contact_id")))
        .where(_in(MEMBERS), MEMBERS.c.current, *which),
        *_KEY,
        *parameters,
    )


_OF_CUSTOMER: Final = selected_members(MEMBERS.c.customer_id == _customer_of("any_id"), parameters=["any_id"])
_ON_WHATSAPP: Final = selected_members(
    MEMBERS.c.customer_id == _customer_of("any_id"),
    sa.func.starts_with(MEMBERS.c.contact, "whatsapp:"),
    parameters=["any_id"],
)
_SEVERAL: Final = 2
_ONE: Final = selected_members(MEMBERS.c.contact_id == sa.bindparam("contact_id"), parameters=["contact_id"])
_OF_ACCOUNT: Final = selected_members(
    MEMBERS.c.customer_id == sa.bindparam("customer_id"),
    sa.func.starts_with(MEMBERS.c.contact, sa.bindparam("account", type_=sa.Text())),
    parameters=["customer_id", "account"],
)
_BEST: Final = compiled(
    sa.select(CUSTOMERS.c.member_id, CUSTOMERS.c.phone, CUSTOMERS.c.email).where(
        _in(CUSTOMERS), CUSTOMERS.c.customer_id == sa.bindparam("customer_id")
    ),
    *_KEY,
    "customer_id",
)
_LONE_CONTACTS: Final = compiled(
    sa.select(sa.func.count())
    .select_from(CONTACTS)
    .where(
        CONTACTS.c.tenant == sa.bindparam("tenant"),
        ~sa.exists().where(
            MEMBERS.c.tenant == CONTACTS.c.tenant,
            MEMBERS.c.resolution_id == sa.bindparam("resolution_id"),
            MEMBERS.c.contact_id == CONTACTS.c.contact_id,
        ),
    ),
    "tenant",
    "resolution_id",
)

_SESSIONS: Final = compiled(
    sa.select(CONTACT_STATES.c.contact_id, CONTACT_STATES.c.logins).where(
        _in(CONTACT_STATES), CONTACT_STATES.c.contact_id == sa.any_(array("contact_ids", sa.Uuid()))
    ),
    *_KEY,
    "contact_ids",
)

# What PostgreSQL writes anew with every change of a row, so that equal texts mean that nothing has changed.
_TENANT_MARK: Final = compiled(
    sa.select(sa.literal_column("xmin::text", sa.Text())).select_from(COMPOSED).where(COMPOSED.c.tenant == _TENANT),
    "tenant",
)
_CUSTOMER_MARK: Final = compiled(
    sa.select(sa.func.md5(sa.func.string_agg(sa.column("version"), sa.literal_column("','", sa.Text())))).select_from(
        sa.union_all(
            sa.select(sa.literal_column("customer_rows.xmin::text", sa.Text()).label("version")).where(
                CUSTOMER_ROWS.c.tenant == _TENANT, CUSTOMER_ROWS.c.customer_id == sa.bindparam("customer_id")
            ),
            sa.select(sa.literal_column("contacts.contact_id || ' ' || contacts.xmin", sa.Text()))
            .where(CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())))
            .order_by(CONTACTS.c.contact_id),
        ).subquery()
    ),
    "tenant",
    "customer_id",
    "contact_ids",
)


class LoadedCustomer(NamedTuple):
    """A customer's identity, and its contacts in no particular order."""

    identity: CustomerIdentity
    contacts: list[OwnContact]


class LoadedContact(NamedTuple):
    """A contact's customer, and the contacts, itself among them, of which some may be one address with it."""

    customer_id: UUID
    contacts: list[OwnContact]


async def load_customer(
    connection: Connection, resolution: ResolutionKey, policy: Policy, any_id: UUID
) -> LoadedCustomer | None:
    """The customer that the id of any of its contacts leads to; None if this tenant has no such contact.

    A contact without identity evidence is a customer by itself.
    """
    members = await connection.fetch(_OF_CUSTOMER, *resolution, any_id)
    contacts = await own_contacts(connection, resolution, policy, members, [] if members else [any_id])
    if not contacts:
        return None
    identity = CustomerIdentity(any_id)
    if members:
        identity = await _identity(connection, resolution, members[0]["customer_id"])
    return LoadedCustomer(identity, contacts)


async def load_contact(
    connection: Connection, resolution: ResolutionKey, policy: Policy, contact_id: UUID
) -> LoadedContact | None:
    """One contact, with those that may be one address with it; None if it has no event of its own."""
    members = await connection.fetch(_ONE, *resolution, contact_id)
    customer_id: UUID = members[0]["customer_id"] if members else contact_id
    if members and members[0]["intrinsic"]:
        account = members[0]["contact"].split(":", 2)[:2]
        members = await connection.fetch(_OF_ACCOUNT, *resolution, customer_id, ":".join([*account, ""]))
    contacts = await own_contacts(connection, resolution, policy, members, [] if members else [contact_id])
    seen = any(one.record.contact.contact_id == contact_id for one in contacts)
    return LoadedContact(customer_id, contacts) if seen else None


async def contacts_of(connection: Connection, resolution: ResolutionKey, any_id: UUID) -> list[UUID]:
    """The contacts of the customer to which any contact's id leads; none if there is no such contact."""
    members = [one.contact_id for one in await contacts_of_customer(connection, resolution, any_id)]
    return list(await keys_of(connection, resolution.tenant, members or [any_id]))


async def addresses_among(
    connection: Connection, resolution: ResolutionKey, policy: Policy, any_id: UUID
) -> list[list[UUID]]:
    """The contacts of each address that has several, of the customer to which any contact's id leads."""
    members = await connection.fetch(_ON_WHATSAPP, *resolution, any_id)
    if len(members) < _SEVERAL:
        return []
    by_key = {row["contact"]: row for row in members}
    found = addresses_of({key: _live(row["intrinsic"], policy) for key, row in by_key.items()})
    return [[by_key[key]["contact_id"] for key in keys] for keys in found if len(keys) > 1]


async def browser_sessions(
    connection: Connection, resolution: ResolutionKey, contact_ids: Sequence[UUID]
) -> dict[UUID, Sessions]:
    """The sessions of those of the browsers of which something was stated."""
    found = await connection.fetch(_SESSIONS, *resolution, contact_ids)
    return {row["contact_id"]: sessions_of_text(row["logins"]) for row in found}


async def tenant_mark(connection: Connection, tenant: str) -> str:
    """A text that is another one once more of a tenant's log is in its customer rows."""
    return str(await connection.fetchval(_TENANT_MARK, tenant))


async def customer_mark(connection: Connection, resolution: ResolutionKey, customer_id: UUID) -> str:
    """A text that is another one once a customer's contacts, their rows, or what they add up to have changed."""
    contacts = await contacts_of(connection, resolution, customer_id)
    return str(await connection.fetchval(_CUSTOMER_MARK, resolution.tenant, customer_id, contacts))


async def count_lone_contacts(connection: Connection, resolution: ResolutionKey) -> int:
    """How many contacts have no identity evidence: each is a customer by itself."""
    return int(await connection.fetchval(_LONE_CONTACTS, *resolution))


async def own_contacts(
    connection: Connection,
    resolution: ResolutionKey,
    policy: Policy,
    members: Sequence[Any],
    alone: Collection[UUID],
) -> list[OwnContact]:
    """The contacts of these rows of `selected_members`, and those that identity does not know."""
    of_contact = {row["contact_id"]: row for row in members}
    records = await load_contacts(connection, resolution.tenant, [*of_contact, *alone])
    found: list[OwnContact] = []
    for record in await _in_sessions(connection, records, of_contact):
        row = of_contact.get(record.contact.contact_id)
        if row is None:
            found.append(OwnContact(record))
        else:
            found.append(OwnContact(record, row["by_claim"] is True, _live(row["intrinsic"], policy)))
    return await _as_one_address(connection, resolution.tenant, found, of_contact)


async def _as_one_address(
    connection: Connection, tenant: str, contacts: list[OwnContact], members: Mapping[UUID, Any]
) -> list[OwnContact]:
    """The contacts with the team's times as they are without echoes of what another contact of the address tells."""
    addresses = _addresses(contacts, members)
    rows = {one.record.contact.contact_id: one.record.contact for one in contacts}
    asked = [rows[one] for address in addresses for one in address]
    if not any(row.last_team_at is not None or row.last_marketing_at is not None for row in asked):
        return contacts
    times = await team_times(connection, tenant, asked, addresses)
    return [one if (own := times.get(one.record.contact.contact_id)) is None else _at(one, own) for one in contacts]


def _at(one: OwnContact, own: TeamTimes) -> OwnContact:
    row = one.record.contact._replace(last_team_at=own.team_at, last_marketing_at=own.marketing_at)
    return one._replace(record=replace(one.record, contact=row))


def _addresses(contacts: Sequence[OwnContact], members: Mapping[UUID, Any]) -> list[list[UUID]]:
    """The contacts of each address that has several, on the channel on which one person has several ids."""
    groups: dict[tuple[UUID, str], dict[str, OwnContact]] = {}
    for one in contacts:
        row = one.record.contact
        if row.channel == "whatsapp" and one.intrinsic:
            groups.setdefault((members[row.contact_id]["customer_id"], row.account), {})[row.key] = one
    found: list[list[UUID]] = []
    for group in groups.values():
        if len(group) > 1:
            keys = addresses_of({key: one.intrinsic for key, one in group.items()})
            found += [[group[key].record.contact.contact_id for key in of_one] for of_one in keys if len(of_one) > 1]
    return found


async def _identity(connection: Connection, resolution: ResolutionKey, customer_id: UUID) -> CustomerIdentity:
    best = await connection.fetchrow(_BEST, *resolution, customer_id)
    if best is None:
        return CustomerIdentity(customer_id)
    member_id: str | None = best["member_id"]
    spellings = tuple(await member_ids_of(connection, resolution, customer_id, member_id))
    return CustomerIdentity(customer_id, member_id, best["phone"], best["email"], spellings)


async def _in_sessions(
    connection: Connection, records: list[ContactRecord], members: dict[UUID, Any]
) -> list[ContactRecord]:
    """The records, those of browsers with what was said in the session that they are with."""
    spans = {}
    for record in records:
        contact_id = record.contact.contact_id
        sessions = sessions_of_text(members[contact_id]["logins"] if contact_id in members else None)
        if has_past_sessions(sessions):
            spans[contact_id] = current_spans(sessions)
    if not spans:
        return records
    contacts = [one.contact for one in records if one.contact.contact_id in spans]
    said: dict[UUID, list[ContactEvent]] = {}
    for begin in range(0, len(contacts), _BROWSERS_AT_ONCE):
        said |= await profile_events(connection, contacts[begin : begin + _BROWSERS_AT_ONCE], spans)
    return [
        in_session(one, said.get(one.contact.contact_id, ())) if one.contact.contact_id in spans else one
        for one in records
    ]


def _live(intrinsic: str | None, policy: Policy) -> frozenset[tuple[str, str]]:
    """The intrinsic identifiers that the policy accepts."""
    listed: list[tuple[str, str]] = orjson.loads(intrinsic) if intrinsic else []
    accepted = ((type_name, value, policy.rule(type_name)) for type_name, value in listed)
    return frozenset((name, value) for name, value, rule in accepted if rule is not None and rule.verified is not None)
