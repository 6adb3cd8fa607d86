"""How many customers a search has to look at, from the exact counts of terms: known before it runs (pure).

Each customer that may fulfil the filter is looked at, and all of its conditions cost something. A filter is too dear
where none of its conditions leaves few enough customers.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from projections.bindings.tables import SITE_WAYS
from projections.customers import terms
from projections.customers.search import filters
from projections.customers.search.operators import TextTest
from projections.customers.terms import Term, cut
from schemas.events.subscription import MARKETING_KINDS

MOST: Final = 20_000_000  # customers times what it costs to look at one
_PER_LIST: Final = 1_000  # values in a list cost as much as one condition
_COSTS: Final[dict[type[filters.Condition], int]] = {filters.ByTag: 3, filters.ByAttribute: 2, filters.ByName: 3}
_OF_CONTACT: Final = 8


class TooDear(ValueError):
    """The search would look at too much; the message gives the limit and what makes the search cheaper."""


class Cost(NamedTuple):
    """At most so many customers are looked at, each at this cost."""

    customers: int
    each: int

    def check(self) -> None:
        """Raise TooDear where it is more than is done for one search."""
        if self.customers * self.each > MOST:
            raise TooDear(
                f"This filter would look at up to {self.customers} customers, each at a cost of {self.each}; the limit "
                f"is {MOST} for both together. A condition within the outermost `all` that fewer customers fulfil (a "
                "tag, an account, a branch, a member id, a phone) makes it cheaper, and so do fewer conditions."
            )


def terms_in(node: filters.FilterNode) -> frozenset[Term]:
    """The terms whose counts tell the cost of the filter."""
    return frozenset(term for one in filters.walk(node) for term in necessary(one) or ())


def necessary(node: filters.FilterNode) -> frozenset[Term] | None:
    """Terms of which whoever fulfils this condition has at least one; None if there are no such terms."""
    find = _NECESSARY.get(type(node))
    return find(node) if find else None


def cost_of(node: filters.FilterNode, counts: Mapping[Term, int], customers: int) -> Cost:
    """The cost of a search among so many customers; ``counts`` has those of `terms_in` that any customer has."""
    each = 1 + sum(_cost_of_one(one) for one in filters.walk(node))
    return Cost(_most(node, counts, customers), each)


def _most(node: filters.FilterNode, counts: Mapping[Term, int], customers: int) -> int:
    """How many customers may fulfil the condition, at most."""
    match node:
        case filters.All(all=parts):
            return min(_most(part, counts, customers) for part in parts)
        case filters.AnyOf(any=parts):
            return min(customers, sum(_most(part, counts, customers) for part in parts))
        case filters.SameContact(same_contact=part) | filters.OpenedSegment(asks=part):
            return _most(part, counts, customers)
        case filters.ByMemberId(member_id=test) | filters.ByPhone(phone=test) | filters.ByEmail(email=test) if listed(
            test
        ):
            return min(customers, listed(test))
        case _:
            wanted = necessary(node)
            return customers if wanted is None else min(customers, sum(counts.get(term, 0) for term in wanted))


def listed(test: TextTest) -> int:
    """How many values are asked for by equality; 0 if the test asks in another way."""
    return 1 if test.eq is not None else len(test.in_ or ())


def _cost_of_one(node: filters.FilterNode) -> int:
    if node.parts:
        return 0
    values = [value for value in dict(node).values() if isinstance(value, list)]
    values += [test.in_ for test in dict(node).values() if isinstance(test, TextTest) and test.in_]
    cost = _OF_CONTACT if node.of_contact else _COSTS.get(type(node), 1)
    return cost + sum(map(len, values)) // _PER_LIST


def _each(
    kind: str,
    values: bool | Iterable[str],  # noqa: FBT001 - the field's value
    all_values: Iterable[str] | None = None,
) -> frozenset[Term] | None:
    """The terms of the values; of any value where only ``all_values`` are known."""
    if isinstance(values, bool):
        return _each(kind, all_values) if values and all_values else None
    return frozenset(Term(kind, cut(value)) for value in values)


def _has(name: str, test: TextTest) -> frozenset[Term] | None:
    return None if test.set is False else frozenset({Term(terms.HAS, name)})


_NECESSARY: Final[dict[type[filters.Condition], Callable[[Any], frozenset[Term] | None]]] = {
    filters.ByTag: lambda node: _each(terms.TAG, [node.tag]),
    filters.ByAttribute: lambda node: None if node.set is False else _each(terms.ATTRIBUTE, [node.attribute]),
    filters.ByMemberId: lambda node: _has("member_id", node.member_id),
    filters.ByPhone: lambda node: _has("phone", node.phone),
    filters.ByEmail: lambda node: _has("email", node.email),
    filters.ByName: lambda node: _has("name", node.name),
    filters.ByConflicts: lambda node: _each(terms.HAS, ["conflicts"]) if node.conflicts else None,
    filters.ByChannel: lambda node: _each(terms.CHANNEL, node.channel),
    filters.ByAccount: lambda node: _each(terms.ACCOUNT, node.account),
    filters.ByBinding: lambda node: _each(terms.BOUND, node.bound, SITE_WAYS),
    filters.ByStaff: lambda node: _each(terms.STAFF, node.staff),
    filters.ByBranch: lambda node: _each(terms.BRANCH, node.branch),
    filters.ByOptOut: lambda node: _each(terms.OPTED_OUT, node.opted_out, MARKETING_KINDS),
    filters.ByNotifications: lambda node: _each(terms.NOTIFIED, node.notifications),
}
