"""Filters as they are searched: values as identity compares them, and segments replaced by what they ask for (pure)."""

from collections.abc import Callable, Mapping
from typing import Final

from projections.customers.search import filters
from projections.customers.search.operators import TextTest
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise

_IDENTIFIERS: Final[dict[type[filters.Condition], str]] = {
    filters.ByMemberId: "member_id",
    filters.ByPhone: "phone",
    filters.ByEmail: "email",
}


class Unsearchable(ValueError):
    """A condition can't be searched, such as a segment that is not there; the message says why."""


def rewritten(
    node: filters.FilterNode, change: Callable[[filters.FilterNode], filters.FilterNode]
) -> filters.FilterNode:
    """The filter with each condition that has no parts replaced by what ``change`` makes of it."""
    match node:
        case filters.All(all=parts):
            return filters.All(all=[rewritten(part, change) for part in parts])
        case filters.AnyOf(any=parts):
            return filters.AnyOf(any=[rewritten(part, change) for part in parts])
        case filters.Not(not_=part):
            return node.model_copy(update={"not_": rewritten(part, change)})
        case filters.SameContact(same_contact=part):
            return filters.SameContact(same_contact=rewritten(part, change))
        case _:
            return change(node)


def normalised(node: filters.FilterNode, policy: Policy) -> filters.FilterNode:
    """The filter with member ids, phones and addresses spelled as customers have them.

    A value that is none stays as it is: no customer has it.
    """

    def change(leaf: filters.FilterNode) -> filters.FilterNode:
        name = _IDENTIFIERS.get(type(leaf))
        if name is None:
            return leaf
        return leaf.model_copy(update={name: _spelled(name, getattr(leaf, name), policy)})

    return rewritten(node, change)


def _spelled(name: str, test: TextTest, policy: Policy) -> TextTest:
    def spelling(value: str) -> str:
        found = normalise(name, value, policy)
        return found.spelling if isinstance(found, Normalised) else value

    eq = None if test.eq is None else spelling(test.eq)
    return test.model_copy(update={"eq": eq, "in_": test.in_ and [spelling(one) for one in test.in_]})


def expanded(node: filters.FilterNode, segments: Mapping[str, filters.FilterNode]) -> filters.FilterNode:
    """The filter with what its segments ask for in their place. Raises Unsearchable.

    All together has at most as many conditions as a filter may have.
    """
    left = filters.MOST_LEAVES

    def within(open_segments: tuple[str, ...]) -> Callable[[filters.FilterNode], filters.FilterNode]:
        def change(leaf: filters.FilterNode) -> filters.FilterNode:
            nonlocal left
            if not isinstance(leaf, filters.BySegment):
                left -= 1
                if left < 0:
                    raise Unsearchable(f"with its segments the filter has more than {filters.MOST_LEAVES} conditions")
                return leaf
            if leaf.segment in open_segments:
                raise Unsearchable(f"the segment {leaf.segment!r} contains itself")
            if leaf.segment not in segments:
                raise Unsearchable(f"there is no segment {leaf.segment!r}")
            return rewritten(segments[leaf.segment], within((*open_segments, leaf.segment)))

        return change

    return rewritten(node, within(()))
