"""How many customers a search has to look at, from the exact counts of terms: known before it runs (pure).

Each customer that may fulfil the filter is looked at, and all of its conditions cost something. A filter is too dear
where none of its conditions leaves few enough customers.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from projections.customers.search import filters
from projections.customers.search.exact import exact, plain_tag
from projections.customers.search.necessary import necessary
from projections.customers.search.operators import TextTest
from projections.customers.terms import EVERYBODY, Term

# Customers times what it costs to look at one: some 0.2 µs a unit of a busy processor. A statement may take 5 s.
MOST: Final = 10_000_000
_PER_LIST: Final = 1_000  # values in a list cost as much as one condition
_COSTS: Final[dict[type[filters.Condition], int]] = {filters.ByTag: 2, filters.ByAttribute: 6, filters.ByName: 3}
_TAGGINGS: Final = 8  # how often a customer was tagged, or when, is read from its row
_OF_CONTACT: Final = 4
_TERMS: Final = 14  # of all facets but attributes' values together
_ENDED: Final = 6  # tags that ran out, which are taken off again
_VALUES: Final = 5  # of one attribute


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
    """The terms whose counts tell the cost of the filter, and the number of all customers."""
    return frozenset({EVERYBODY}) | frozenset(
        term for one in filters.walk(node) for term in exact(one) or necessary(one) or ()
    )


def cost_of(
    node: filters.FilterNode, counts: Mapping[Term, int], facets: Collection[str] = (), attributes: int = 0
) -> Cost:
    """The cost of a search; ``counts`` has those of `terms_in` that any customer has.

    All are looked at again for the ``facets`` together, for tags that ran out, and for the values of each of the
    ``attributes``.
    """
    each = 1 + _each(node)
    looks = [_TERMS] if facets else []
    looks += [_ENDED] if "tag" in facets else []
    looks += [_VALUES] * attributes
    return Cost(_most(node, counts, counts.get(EVERYBODY, 0)), sum(each + one for one in looks) if looks else each)


def known_total(node: filters.FilterNode, counts: Mapping[Term, int]) -> int | None:
    """How many customers fulfil the filter, if the counts of `terms_in` say it exactly: it asks for one term or not."""
    if isinstance(node, filters.Not):
        others = known_total(node.not_, counts)
        return None if others is None else counts.get(EVERYBODY, 0) - others
    wanted = exact(node)
    return sum(counts.get(term, 0) for term in wanted) if wanted is not None and len(wanted) == 1 else None


def least_total(node: filters.FilterNode, counts: Mapping[Term, int], live: Mapping[str, int]) -> int:
    """How many customers fulfil the filter at least. ``live`` says of plain tags how many have it at this moment."""
    customers = counts.get(EVERYBODY, 0)
    wanted, tag = exact(node), plain_tag(node)
    match node:
        case _ if wanted is not None or tag is not None:
            return live.get(tag, 0) if tag else max((counts.get(term, 0) for term in wanted or ()), default=0)
        case filters.Not(not_=part):
            return customers - _most(part, counts, customers)
        case filters.All(all=parts):
            return max(0, sum(least_total(part, counts, live) for part in parts) - (len(parts) - 1) * customers)
        case filters.AnyOf(any=parts):
            return max(least_total(part, counts, live) for part in parts)
        case _:
            return least_total(node.asks, counts, live) if isinstance(node, filters.OpenedSegment) else 0


def _most(node: filters.FilterNode, counts: Mapping[Term, int], customers: int) -> int:
    """How many customers may fulfil the condition, at most."""
    if (wanted := exact(node)) is not None:
        return min(customers, sum(counts.get(term, 0) for term in wanted))
    match node:
        case filters.All(all=parts):
            return min(_most(part, counts, customers) for part in parts)
        case filters.AnyOf(any=parts):
            return min(customers, sum(_most(part, counts, customers) for part in parts))
        case filters.SameContact(same_contact=part) | filters.OpenedSegment(asks=part):
            return _most(part, counts, customers)
        case _ if asked := _values_asked(node):
            return min(customers, asked)
        case _:
            wanted = necessary(node)
            return customers if wanted is None else min(customers, sum(counts.get(term, 0) for term in wanted))


def _values_asked(node: filters.FilterNode) -> int:
    """Of how many values, each of one customer, a condition asks for one; 0 if it asks in another way."""
    match node:
        case filters.ById(id=ids):
            return len(ids)
        case filters.ByMemberId(member_id=test) | filters.ByPhone(phone=test) | filters.ByEmail(email=test):
            return listed(test)
        case _:
            return 0


def listed(test: TextTest) -> int:
    """How many values are asked for by equality; 0 if the test asks in another way."""
    return 1 if test.eq is not None else len(test.in_ or ())


def _each(node: filters.FilterNode, *, of_contact: bool = False) -> int:
    """What it costs to look whether one customer fulfils the condition; ``of_contact``: whether its contacts do."""
    if exact(node) is not None and not of_contact:
        return 1
    if node.parts:
        return sum(_each(part, of_contact=of_contact or isinstance(node, filters.SameContact)) for part in node.parts)
    values = [value for value in dict(node).values() if isinstance(value, list)]
    values += [test.in_ for test in dict(node).values() if isinstance(test, TextTest) and test.in_]
    cost = _OF_CONTACT if node.of_contact or of_contact else _COSTS.get(type(node), 1)
    if isinstance(node, filters.ByTag) and plain_tag(node) is None:
        cost = _TAGGINGS
    return cost + sum(map(len, values)) // _PER_LIST
