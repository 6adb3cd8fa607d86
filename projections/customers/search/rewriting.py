"""Filters as they are searched: values as identity compares them, and segments opened to what they ask for (pure)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import count
from typing import Final

from projections.customers.search import filters
from projections.customers.search.operators import Comparable, TextTest
from projections.customers.search.times import relative_day
from projections.engine.zones import zone_of
from projections.identity.resolution.phones import spellings_of
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise

_IDENTIFIERS: Final[dict[type[filters.Condition], str]] = {
    filters.ByMemberId: "member_id",
    filters.ByPhone: "phone",
    filters.ByEmail: "email",
}
_BOUNDS: Final = ("gt", "gte", "lt", "lte")
MOST_NESTED: Final = 16  # levels of a filter with those of its segments
_TOO_DEEP: Final = f"with its segments the filter has more than {MOST_NESTED} levels"


class Unsearchable(ValueError):
    """A condition can't be searched, such as a segment that is not there; the message says why."""


# What each segment asks for; or, where its filter can't be read, the error that says so.
SegmentFilters = Mapping[str, filters.FilterNode | Unsearchable]


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
        case filters.OpenedSegment(asks=part):
            return node.model_copy(update={"asks": rewritten(part, change)})
        case _:
            return change(node)


def normalised(node: filters.FilterNode, policy: Policy, now: int) -> filters.FilterNode:
    """The filter with member ids, phones and addresses as customers have them: of a phone every spelling that matches.

    A value that is none stays as it is: no customer has it. Relative times that bound an attribute become what they
    are at the moment ``now``, in the zone of the tenant's region.
    """
    zone = zone_of(policy.default_region)

    def change(leaf: filters.FilterNode) -> filters.FilterNode:
        if isinstance(leaf, filters.ByAttribute):
            return _dated(leaf, now, zone)
        name = _IDENTIFIERS.get(type(leaf))
        if name is None:
            return leaf
        test = with_values(getattr(leaf, name), lambda value: _as_known(name, value, policy))
        return leaf.model_copy(update={name: test})

    return rewritten(node, change)


def _dated(leaf: filters.ByAttribute, now: int, zone: tzinfo) -> filters.ByAttribute:
    """The condition with its relative bounds as days."""

    def day(bound: Comparable) -> Comparable:
        return (relative_day(bound, now, zone) or bound) if isinstance(bound, str) else bound

    given = {name: bound for name in _BOUNDS if (bound := getattr(leaf, name)) is not None}
    update: dict[str, object] = {name: day(bound) for name, bound in given.items()}
    if leaf.between is not None:
        update["between"] = [day(bound) for bound in leaf.between]
    return leaf.model_copy(update=update) if update else leaf


def with_values(test: TextTest, known_as: Callable[[str], Sequence[str]]) -> TextTest:
    """The test with each value that it compares with replaced by those that it is known as."""
    eq = None if test.eq is None else list(known_as(test.eq))
    listed = None if test.in_ is None else list(dict.fromkeys(one for value in test.in_ for one in known_as(value)))
    if eq is not None and len(eq) > 1:
        return test.model_copy(
            update={"eq": None, "in_": eq if listed is None else [one for one in eq if one in listed]}
        )
    return test.model_copy(update={"eq": eq and eq[0], "in_": listed})


def _as_known(name: str, value: str, policy: Policy) -> list[str]:
    found = normalise(name, value, policy)
    if not isinstance(found, Normalised):
        return [value]
    return spellings_of(found.value) if name == "phone" else [found.spelling if name == "email" else found.value]


def expanded(node: filters.FilterNode, segments: SegmentFilters) -> filters.FilterNode:
    """The filter with its segments opened to what they ask for. Raises Unsearchable, with the segment's id.

    All together has at most as many conditions as a filter may have, and at most `MOST_NESTED` levels.
    """
    found = rewritten(node, _opening(segments, (), count(1)))
    if filters.depth_of(found) > MOST_NESTED:
        raise Unsearchable(_TOO_DEEP)
    return found


def _opening(
    segments: SegmentFilters, within: tuple[str, ...], leaves: Iterator[int]
) -> Callable[[filters.FilterNode], filters.FilterNode]:
    def change(leaf: filters.FilterNode) -> filters.FilterNode:
        if isinstance(leaf, filters.BySegment):
            asks = _asked_by(leaf.segment, segments, within)
            opened = rewritten(asks, _opening(segments, (*within, leaf.segment), leaves))
            return filters.OpenedSegment(segment=leaf.segment, asks=opened)
        if next(leaves) > filters.MOST_LEAVES:
            raise Unsearchable(f"with its segments the filter has more than {filters.MOST_LEAVES} conditions")
        return leaf

    return change


def _asked_by(segment: str, segments: SegmentFilters, within: tuple[str, ...]) -> filters.FilterNode:
    if segment in within:
        raise Unsearchable(f"the segment {segment!r} contains itself: {' > '.join((*within, segment))}")
    if len(within) >= MOST_NESTED:
        raise Unsearchable(_TOO_DEEP)
    found = segments.get(segment)
    if found is None:
        raise Unsearchable(f"there is no segment {segment!r}")
    if isinstance(found, Unsearchable):
        raise found
    return found
