"""A customer's row from its contacts, and the terms that it has (pure).

Nothing here depends on the clock: a tag that has run out is still a term of the row, with its end beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from projections.contacts.addresses import Address
from projections.contacts.state import ContactState
from projections.contacts.tables import ContactRow
from projections.contacts.valid_days import DayChanges, address_counts, counts_of, customer_counts, less
from projections.customers.days import days_json
from projections.customers.folds import CustomerIdentity, CustomerRecord, OwnContact, states_of, summarise
from projections.customers.sessions import BEGINNING
from projections.customers.tables import AddressContactRow, CustomerContactRow, CustomerSummaryRow
from projections.customers.terms import (
    ACCOUNT,
    ATTRIBUTE,
    BLOCKED,
    BOUND,
    BRANCH,
    CHANNEL,
    EVERYBODY,
    HAS,
    NOTIFIED,
    OPTED_OUT,
    STAFF,
    SUBSCRIBED,
    TAG,
    VALID,
    Term,
    cut,
    grams_of,
    ids_of,
    searched_names,
    value_term,
)

VERSION: Final = 7  # goes up with every change that gives other rows for the same contacts
MS_OF_HOUR: Final = 3_600_000


class ComposedCustomer(NamedTuple):
    """A customer's row, its terms, the rows of its contacts, and of those that are an address with others."""

    row: CustomerSummaryRow
    terms: frozenset[Term]
    contacts: list[CustomerContactRow]
    addresses: list[AddressContactRow]


def customer_row(
    tenant: str, identity: CustomerIdentity, contacts: Iterable[OwnContact], conflicts: int
) -> ComposedCustomer:
    """The rows of a customer with at least one contact. ``conflicts`` is the number of refused links."""
    states = states_of(contacts, BEGINNING)  # before every end, so that no tag has run out
    customer = summarise(identity, states)
    own = [_contact_row(tenant, identity.customer_id, state) for state in states]
    terms = frozenset(terms_of(customer, own, conflicts))
    names = searched_names(customer.names)
    row = CustomerSummaryRow(
        tenant=tenant,
        customer_id=identity.customer_id,
        member_id=identity.member_id,
        phone=identity.phone,
        email=identity.email,
        name=next(iter(customer.names), None),
        valid=customer.valid,
        contacts=len(states),
        conflicts=conflicts,
        first_seen_at=customer.first_seen_at,
        last_customer_at=customer.last_customer_at,
        last_team_at=customer.last_team_at,
        last_marketing_at=customer.last_marketing_at,
        last_customer_hour=hour_of(customer.last_customer_at),
        last_team_hour=hour_of(customer.last_team_at),
        last_marketing_hour=hour_of(customer.last_marketing_at),
        tags=_json(_tags(states)),
        attributes=_json({one.key: (one.type, one.value, one.at) for one, _ in customer.attributes}),
        terms=ids_of(tenant, terms),
        names=names,
        grams=grams_of(tenant, names),
        valid_since=customer.valid_since,
        valid_days=_valid_days(tenant, states, customer.valid_since),
        tags_end_at=min((one.expires_at for one in customer.tags if one.expires_at is not None), default=None),
    )
    return ComposedCustomer(row, terms, own, list(_address_rows(identity.customer_id, states)))


def opted_out_of(state: ContactState) -> list[str]:
    """The kinds of marketing that the contact's address refused, sorted."""
    return sorted({one.kind for one in state.address.consents if not one.allowed})


def topics_of(state: ContactState) -> list[str]:
    """The topics on which the contact takes recurring notifications, sorted."""
    return sorted({one.topic for one in state.record.notifications if one.active})


def account_of(state: ContactState) -> str:
    """The contact's account, as ``channel:account``."""
    return f"{state.record.contact.channel}:{state.record.contact.account}"


def _contact_row(tenant: str, customer_id: UUID, state: ContactState) -> CustomerContactRow:
    contact = state.record.contact
    return CustomerContactRow(
        tenant=tenant,
        customer_id=customer_id,
        contact_id=contact.contact_id,
        contact=state.key,
        channel=contact.channel,
        account=account_of(state),
        subscribed=contact.subscribed,
        subscribed_at=contact.subscribed_at,
        valid=state.valid,
        bound=state.social_binding.via if state.social_binding else None,
        staff=contact.staff_member,
        branch=contact.staff_branch,
        opted_out=tuple(opted_out_of(state)),
        notified=tuple(topics_of(state)),
        counted_at=state.address.place.subscribed_at if state.address.place else None,
        counted_as=state.address.place.contact if state.address.place else None,
        first_seen_at=contact.first_seen_at,
        last_customer_hour=hour_of(contact.last_customer_at),
        last_team_hour=hour_of(contact.last_team_at),
        last_marketing_hour=hour_of(contact.last_marketing_at),
    )


def _valid_days(tenant: str, states: Sequence[ContactState], since: int | None) -> str:
    if all(state.record.contact.runs == "[]" for state in states):
        return "[]"  # none was ever subscribed
    return days_json(customer_counts(tenant, ((rows, address) for address, rows in _by_address(states)), since))


def _by_address(states: Iterable[ContactState]) -> list[tuple[Address, list[ContactRow]]]:
    """The addresses, each with the rows of its contacts."""
    found: dict[tuple[str, ...], tuple[Address, list[ContactRow]]] = {}
    for state in states:
        found.setdefault(state.address.contacts, (state.address, []))[1].append(state.record.contact)
    return list(found.values())


def _address_rows(customer_id: UUID, states: Iterable[ContactState]) -> Iterator[AddressContactRow]:
    """The rows of contacts that are an address with others. The first of an address has its counts, too."""
    for address, rows in _by_address(states):
        if len(rows) > 1:
            counts = address_counts(rows, address)
            for row in rows:
                yield _address_row(customer_id, row, address, counts)
                counts = {}


def _address_row(customer_id: UUID, row: ContactRow, address: Address, counts: DayChanges) -> AddressContactRow:
    counts_here = address.place is not None and address.place.contact == row.key
    return AddressContactRow(
        tenant=row.tenant,
        customer_id=customer_id,
        contact_id=row.contact_id,
        channel=row.channel,
        account=row.account,
        uid=row.uid,
        counted_since=row.subscribed_at if counts_here else None,
        extra=counts_here and row.valid_since is None,
        days=days_json(less(counts, counts_of(row))),
    )


def hour_of(time: int | None) -> int | None:
    """The hour of a time in ms, counted since 1970."""
    return None if time is None else time // MS_OF_HOUR


def terms_of(customer: CustomerRecord, contacts: Iterable[CustomerContactRow], conflicts: int) -> Iterable[Term]:
    """What can be asked of a customer by equality."""
    yield EVERYBODY
    identity = customer.identity
    known = {"member_id": identity.member_id, "phone": identity.phone, "email": identity.email, "name": customer.names}
    yield from (Term(HAS, name) for name, value in known.items() if value)
    if conflicts:
        yield Term(HAS, "conflicts")
    yield from (Term(TAG, cut(one.tag)) for one in customer.tags)
    for one, _ in customer.attributes:
        yield Term(ATTRIBUTE, cut(one.key))
        yield value_term(one.key, one.value)
    for contact in contacts:
        yield from _terms_of_contact(contact)


def _terms_of_contact(row: CustomerContactRow) -> Iterable[Term]:
    account = cut(row.account)
    yield Term(CHANNEL, row.channel)
    yield Term(ACCOUNT, account)
    if row.subscribed is not None:
        yield Term(SUBSCRIBED if row.subscribed else BLOCKED, account)
    if row.valid:
        yield Term(VALID, account)
    if row.bound is not None:
        yield Term(BOUND, row.bound)
    if row.staff is not None:
        yield Term(STAFF, cut(row.staff))
    if row.branch is not None:
        yield Term(BRANCH, cut(row.branch))
    yield from (Term(OPTED_OUT, kind) for kind in row.opted_out)
    yield from (Term(NOTIFIED, cut(topic)) for topic in row.notified)


def _tags(contacts: Iterable[ContactState]) -> dict[str, list[tuple[int, int, int | None]]]:
    """Of each tag and each end, null for none: how often it was put there, and the latest time."""
    found: dict[str, dict[int | None, tuple[int, int]]] = {}
    for contact in contacts:
        for tag in contact.tags:
            count, last_at = found.setdefault(tag.tag, {}).get(tag.expires_at, (0, tag.last_at))
            found[tag.tag][tag.expires_at] = (count + tag.taggings, max(last_at, tag.last_at))
    return {name: sorted(((*totals, end) for end, totals in by_end.items()), key=str) for name, by_end in found.items()}


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
