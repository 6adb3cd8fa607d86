"""Rows of the read models into what is compared of customers. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from projections.candidates.folds import CustomerPair, CustomerProfiles, pair_of
from projections.candidates.profiles import (
    ADDRESS_ATTRIBUTES,
    ALIAS,
    BIRTHDAY_ATTRIBUTES,
    FIRST_NAME_ATTRIBUTES,
    LAST_NAME_ATTRIBUTES,
    NAME_ATTRIBUTES,
    ComparedIdentifier,
    Hold,
    profile,
)

MEMBER_ID: Final = "member_id"
CONTACT: Final = "contact"
_UNDECIDED: Final = "undecided"

NodePlace = tuple[UUID, str]  # (contact_id, session)


class NodeOwner(NamedTuple):
    """A node, and the customer that it is with; ``current`` says that the contact is with it, too."""

    customer_id: UUID
    contact_id: UUID
    session: str
    contact: str
    current: bool


class SeenContact(NamedTuple):
    """A contact with an event of its own; ``shared`` is whether several people were logged in on it in turn."""

    contact_id: UUID
    display_name: str | None
    shared: bool


class AttributeJson(NamedTuple):
    """An attribute's value, as JSON."""

    contact_id: UUID
    key: str
    value: str


class NodeLink(NamedTuple):
    """A link of a node, with the reason if it was refused."""

    contact_id: UUID
    session: str
    type: str
    value: str
    target: str
    tier: int
    reason: str | None


class BoundNode(NamedTuple):
    """A node that another one was bound to."""

    contact: str
    session: str
    tier: int


class NodeDecision(NamedTuple):
    """What staff decided of two nodes."""

    at: int
    event_id: str
    by_contact: str
    by_id: UUID
    by_session: str
    other_id: UUID
    other_session: str
    verdict: str


class NamedAlias(NamedTuple):
    """A member id that a website's alias names as the former id of a contact's member; as it is read."""

    contact_id: UUID
    member_id: str


class CustomerRows(NamedTuple):
    """All rows about some customers. ``alone`` are contacts of which identity knows nothing: each is a customer."""

    nodes: list[NodeOwner]
    alone: frozenset[UUID]
    contacts: list[SeenContact]
    attributes: list[AttributeJson]
    links: list[NodeLink]
    bound: list[BoundNode]
    decisions: list[NodeDecision]
    aliases: Sequence[NamedAlias] = ()


class _Said(NamedTuple):
    names: list[str]
    birthdays: list[str]
    addresses: list[str]


def customers_in(rows: CustomerRows, merged_ids: Iterable[str]) -> CustomerProfiles:
    """The customers that have a contact with an event of its own. ``merged_ids`` are member ids that others became.

    What was said on a browser on which several people were logged in counts for none of them.
    """
    owners = {(one.contact_id, one.session): one.customer_id for one in rows.nodes}
    held = identifiers_in(rows)
    profiles = {
        customer_id: profile(said.names, said.birthdays, said.addresses, held.get(customer_id))
        for customer_id, said in _said(rows).items()
    }
    settled = _decided(rows.decisions, owners) | _merged(held, merged_ids)
    return CustomerProfiles(profiles, settled)


def identifiers_in(rows: CustomerRows) -> dict[UUID, dict[ComparedIdentifier, Hold]]:
    """How each customer has its identifiers, also those that link nothing."""
    owners = {(one.contact_id, one.session): one.customer_id for one in rows.nodes}
    by_key = {(one.contact, one.session): one.customer_id for one in rows.nodes}
    found: defaultdict[UUID, dict[ComparedIdentifier, Hold]] = defaultdict(dict)

    def add(customer_id: UUID | None, identifier: ComparedIdentifier, hold: Hold) -> None:
        if customer_id is not None:
            known = found[customer_id].get(identifier, hold)
            found[customer_id][identifier] = known.and_also(hold)

    for link in rows.links:
        value = node_text(link.value, link.target) if link.type == CONTACT else link.value
        reasons = frozenset({link.reason} if link.reason else ())
        add(owners.get((link.contact_id, link.session)), (link.type, value), Hold(link.tier, reasons))
    for one in rows.bound:
        add(by_key.get((one.contact, one.session)), (CONTACT, node_text(one.contact, one.session)), Hold(one.tier))
    current = {one.contact_id: one.customer_id for one in rows.nodes if one.current}
    for alias in rows.aliases:
        add(current.get(alias.contact_id), (ALIAS, alias.member_id), Hold(0))
    return dict(found)


def node_text(contact: str, session: str) -> str:
    """A node as the value of an identifier; `contact_in` reads it."""
    return f"{contact}\0{session}"


def contact_in(text: str) -> str:
    """The contact key of a node that `node_text` wrote."""
    return text.partition("\0")[0]


def _said(rows: CustomerRows) -> dict[UUID, _Said]:
    current = {one.contact_id: one.customer_id for one in rows.nodes if one.current} | {one: one for one in rows.alone}
    said: dict[UUID, _Said] = {}
    of_contact: dict[UUID, _Said] = {}
    for contact in rows.contacts:
        if (customer_id := current.get(contact.contact_id)) is None:
            continue
        of_customer = said.setdefault(customer_id, _Said([], [], []))
        if not contact.shared:
            of_contact[contact.contact_id] = of_customer
            of_customer.names.extend([contact.display_name] if contact.display_name else [])
    for contact_id, texts in _texts(rows.attributes).items():
        if contact_id in of_contact:
            _add_attributes(of_contact[contact_id], texts)
    return said


def _texts(attributes: Iterable[AttributeJson]) -> dict[UUID, dict[str, str]]:
    found: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    for one in attributes:
        if isinstance(value := orjson.loads(one.value), str):
            found[one.contact_id][one.key] = value
    return found


def _add_attributes(said: _Said, texts: Mapping[str, str]) -> None:
    said.names.extend(text for key, text in texts.items() if key in NAME_ATTRIBUTES)
    said.birthdays.extend(text for key, text in texts.items() if key in BIRTHDAY_ATTRIBUTES)
    said.addresses.extend(text for key, text in texts.items() if key in ADDRESS_ATTRIBUTES)
    first = [texts[key] for key in sorted(FIRST_NAME_ATTRIBUTES & texts.keys())]
    last = [texts[key] for key in sorted(LAST_NAME_ATTRIBUTES & texts.keys())]
    if first and last:
        said.names.append(f"{first[0]} {last[0]}")


def _decided(decisions: Iterable[NodeDecision], owners: Mapping[NodePlace, UUID]) -> set[CustomerPair]:
    """The pairs of customers that staff decided on: of each pair of contacts the latest decision counts."""
    latest: dict[CustomerPair, NodeDecision] = {}
    for one in decisions:
        pair = pair_of(one.by_id, one.other_id)
        if pair not in latest or one[:3] > latest[pair][:3]:
            latest[pair] = one
    settled: set[CustomerPair] = set()
    for one in latest.values():
        sides = owners.get((one.by_id, one.by_session)), owners.get((one.other_id, one.other_session))
        if one.verdict != _UNDECIDED and sides[0] is not None and sides[1] is not None:
            settled.add(pair_of(sides[0], sides[1]))
    return settled


def _merged(held: Mapping[UUID, Mapping[ComparedIdentifier, Hold]], merged_ids: Iterable[str]) -> set[CustomerPair]:
    """The pairs of customers that have one member id which another became."""
    merged = frozenset(merged_ids)
    holders: defaultdict[str, list[UUID]] = defaultdict(list)
    for customer_id, identifiers in held.items():
        for type_name, value in identifiers:
            if type_name == MEMBER_ID and value in merged:
                holders[value].append(customer_id)
    return {
        pair_of(one, other)
        for together in holders.values()
        for number, one in enumerate(together)
        for other in together[:number]
    }
