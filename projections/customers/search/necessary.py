"""Terms that whoever fulfils a condition must have: what the index of terms is asked first (pure)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from projections.bindings.tables import SITE_WAYS
from projections.customers import terms
from projections.customers.search import filters
from projections.customers.search.operators import Comparable, TextTest
from projections.customers.terms import Term, cut, number_terms, value_term
from schemas.events.subscription import MARKETING_KINDS


def necessary(node: filters.FilterNode) -> frozenset[Term] | None:
    """Terms of which whoever fulfils this condition has at least one; None if there are no such terms."""
    find = _NECESSARY.get(type(node))
    return find(node) if find else None


def _each(
    kind: str,
    values: bool | Iterable[str],  # noqa: FBT001 - the field's value
    all_values: Iterable[str] | None = None,
) -> frozenset[Term] | None:
    """The terms of the values; of any value where only ``all_values`` are known."""
    if isinstance(values, bool):
        return _each(kind, all_values) if values and all_values else None
    return frozenset(Term(kind, cut(value)) for value in values)


def _attribute(node: filters.ByAttribute) -> frozenset[Term] | None:
    """By the value that is asked for, or the range of numbers; else by the attribute."""
    if node.set is False:
        return None
    if node.eq is not None:
        return frozenset({value_term(node.attribute, node.eq)})
    if node.in_ is not None:
        return frozenset(value_term(node.attribute, one) for one in node.in_)
    low, high = _bound(node.between, node.gt, node.gte, at=0), _bound(node.between, node.lt, node.lte, at=1)
    if low is None and high is None:
        return _each(terms.ATTRIBUTE, [node.attribute])
    return frozenset(number_terms(node.attribute, low, high))


def _bound(between: Sequence[Comparable] | None, *bounds: Comparable | None, at: int) -> float | None:
    """A bound of numbers, if there is one."""
    found = [bound for bound in (between[at] if between else None, *bounds) if isinstance(bound, int | float)]
    return found[0] if found else None


def _has(name: str, test: TextTest) -> frozenset[Term] | None:
    return None if test.set is False else frozenset({Term(terms.HAS, name)})


_NECESSARY: Final[dict[type[filters.Condition], Callable[[Any], frozenset[Term] | None]]] = {
    filters.ByTag: lambda node: _each(terms.TAG, [node.tag]),
    filters.ByAttribute: _attribute,
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
