"""Conditions that a customer's terms answer by themselves, without a look at its contacts (pure)."""

from typing import Final

from projections.customers import terms
from projections.customers.search import filters
from projections.customers.search.necessary import necessary
from projections.customers.terms import LONGEST, Term

# Their terms are exactly the values that they ask for.
_ANSWERED: Final = (
    filters.ByChannel,
    filters.ByAccount,
    filters.ByBinding,
    filters.ByStaff,
    filters.ByBranch,
    filters.ByOptOut,
    filters.ByNotifications,
    filters.ByConflicts,
)


def exact(node: filters.FilterNode) -> frozenset[Term] | None:
    """Terms of which a customer has at least one exactly if the condition holds; None if terms do not say it."""
    if isinstance(node, filters.OpenedSegment):
        return exact(node.asks)
    if isinstance(node, filters.SameContact):
        part = node.same_contact
        return _unambiguous(_on_accounts(part)) if isinstance(part, filters.All) else exact(part)
    return _unambiguous(necessary(node)) if isinstance(node, _ANSWERED) or _asks_for_any(node) else None


def _asks_for_any(node: filters.FilterNode) -> bool:
    """Whether the filter asks whether there is a phone or the like, and not which."""
    match node:
        case filters.ByMemberId(member_id=test) | filters.ByPhone(phone=test) | filters.ByEmail(email=test):
            return test.operators() == {"set": True}
        case filters.ByName(name=test):
            return test.operators() == {"set": True}
        case _:
            return False


def contact_test(node: filters.FilterNode) -> filters.FilterNode | None:
    """What the filter asks of one contact, if it asks for nothing else, and terms do not answer it."""
    match node:
        case filters.OpenedSegment(asks=part) | filters.All(all=[part]):
            return contact_test(part)
        case _ if exact(node) is not None:
            return None
        case filters.SameContact(same_contact=part):
            return part
        case _:
            return node if node.of_contact else None


def plain_tag(node: filters.FilterNode) -> str | None:
    """The tag, if the filter asks for nothing but it, and no other tag shares its term."""
    match node:
        case filters.OpenedSegment(asks=part) | filters.All(all=[part]):
            return plain_tag(part)
        case filters.ByTag(tag=tag, count=None, since=None) if len(tag) < LONGEST:
            return tag
        case _:
            return None


def is_all(node: filters.FilterNode) -> bool:
    """Whether the filter asks for a contact at least, which every customer has."""
    if isinstance(node, filters.OpenedSegment):
        return is_all(node.asks)
    return isinstance(node, filters.ByContactCount) and node.contacts.operators() in ({"gte": 1}, {"gt": 0})


def _on_accounts(part: filters.All) -> frozenset[Term] | None:
    """A contact of certain accounts that is subscribed, is not, or is valid: each has a term for every account."""
    match sorted(part.all, key=filters.key_of):
        case [filters.ByAccount(account=accounts), filters.BySubscription(subscribed=subscribed)]:
            kind = terms.SUBSCRIBED if subscribed else terms.BLOCKED
        case [filters.ByAccount(account=accounts), filters.ByValidity(valid=True)]:
            kind = terms.VALID
        case _:
            return None
    return frozenset(Term(kind, terms.cut(account)) for account in accounts)


def _unambiguous(found: frozenset[Term] | None) -> frozenset[Term] | None:
    """The terms, if each is one value's: of long values only the beginning is in the term."""
    if found is None or any(len(term.value) >= LONGEST for term in found):
        return None
    return found
