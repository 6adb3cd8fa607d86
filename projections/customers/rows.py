"""A customer's row from its contacts, and the terms that it has (pure).

Nothing here depends on the clock: a tag that has run out is still a term of the row, with its end beside it.
"""

from collections.abc import Iterable
from typing import Final

import orjson

from projections.contacts.state import ContactState, social_binding
from projections.customers.folds import CustomerIdentity, CustomerRecord, OwnContact, states_of, summarise
from projections.customers.sessions import BEGINNING
from projections.customers.tables import CustomerSummaryRow
from projections.customers.terms import (
    ACCOUNT,
    ATTRIBUTE,
    BLOCKED,
    BOUND,
    BRANCH,
    CHANNEL,
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
)

_MS_OF_HOUR: Final = 3_600_000


def customer_row(
    tenant: str, identity: CustomerIdentity, contacts: Iterable[OwnContact], conflicts: int
) -> tuple[CustomerSummaryRow, frozenset[Term]]:
    """The row of a customer with at least one contact, and its terms. ``conflicts`` is the number of refused links."""
    states = states_of(contacts, BEGINNING)  # before every end, so that no tag has run out
    customer = summarise(identity, states)
    terms = frozenset(terms_of(customer, states, conflicts))
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
        grams=grams_of(tenant, customer.names),
    )
    return row, terms


def hour_of(time: int | None) -> int | None:
    """The hour of a time in ms, counted since 1970."""
    return None if time is None else time // _MS_OF_HOUR


def terms_of(customer: CustomerRecord, contacts: Iterable[ContactState], conflicts: int) -> Iterable[Term]:
    """What can be asked of a customer by equality."""
    identity = customer.identity
    known = {"member_id": identity.member_id, "phone": identity.phone, "email": identity.email, "name": customer.names}
    yield from (Term(HAS, name) for name, value in known.items() if value)
    if conflicts:
        yield Term(HAS, "conflicts")
    yield from (Term(TAG, cut(one.tag)) for one in customer.tags)
    yield from (Term(ATTRIBUTE, cut(one.key)) for one, _ in customer.attributes)
    for contact in contacts:
        yield from _terms_of_contact(contact)


def _terms_of_contact(state: ContactState) -> Iterable[Term]:
    row = state.record.contact
    account = cut(f"{row.channel}:{row.account}")
    yield Term(CHANNEL, row.channel)
    yield Term(ACCOUNT, account)
    if row.subscribed is not None:
        yield Term(SUBSCRIBED if row.subscribed else BLOCKED, account)
    if state.valid:
        yield Term(VALID, account)
    if (binding := social_binding(state.record.bindings)) is not None:
        yield Term(BOUND, binding.via)
    if row.staff_member is not None:
        yield Term(STAFF, cut(row.staff_member))
    if row.staff_branch is not None:
        yield Term(BRANCH, cut(row.staff_branch))
    yield from (Term(OPTED_OUT, one.kind) for one in state.address.consents if not one.allowed)
    yield from (Term(NOTIFIED, cut(one.topic)) for one in state.record.notifications if one.active)


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
