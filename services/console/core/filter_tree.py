"""A filter as a tree that people edit a step at a time (pure).

A tree is the JSON of a filter, of which the outermost node is a group, ``all`` or ``any``; None stands for everybody. A
place in it is the way there: the number of the part at each level. Every step gives another tree.
"""

from collections.abc import Mapping
from typing import Any, Final

ConditionTree = dict[str, Any]
TreePlace = tuple[int, ...]

EVERYBODY: Final[ConditionTree] = {"contacts": {"gte": 0}}
GROUPS: Final = ("all", "any")
WRAPS: Final = ("all", "any", "same_contact")
_ONE_PART: Final = ("not", "same_contact")
_MOST_DEEP: Final = 10


class NoSuchPlace(Exception):
    """The filter has no such part."""


def place_of(text: str) -> TreePlace:
    """A place as an address has it: ``0.2``, or ``root``. Raises NoSuchPlace."""
    if text in {"", "root"}:
        return ()
    numbers = text.split(".")
    if len(numbers) > 2 * _MOST_DEEP or not all(
        one.isascii() and one.isdigit() and len(one) <= len("100") for one in numbers
    ):
        raise NoSuchPlace(NoSuchPlace.__doc__)
    return tuple(int(one) for one in numbers)


def text_of(place: TreePlace) -> str:
    """The place as an address has it."""
    return ".".join(map(str, place))


def kind_of(node: Mapping[str, Any]) -> str:
    """``all``, ``any``, ``not`` or ``same_contact``; ``leaf`` for a condition without parts."""
    return next((kind for kind in (*GROUPS, *_ONE_PART) if kind in node), "leaf")


def first_key(node: Mapping[str, Any]) -> str:
    """What a condition is about. Raises ValueError for one about nothing: an address may hold anything."""
    for key in node:
        return key
    raise ValueError("a condition about nothing")


def parts_of(node: Mapping[str, Any]) -> list[ConditionTree]:
    """The parts of a node."""
    kind = kind_of(node)
    if kind == "leaf":
        return []
    return list(node[kind]) if kind in GROUPS else [node[kind]]


def node_at(tree: ConditionTree | None, place: TreePlace) -> ConditionTree:
    """The node at a place. Raises NoSuchPlace."""
    node = tree
    for number in place:
        parts = [] if node is None else parts_of(node)
        if number >= len(parts):
            raise NoSuchPlace(NoSuchPlace.__doc__)
        node = parts[number]
    if node is None:
        raise NoSuchPlace(NoSuchPlace.__doc__)
    return node


def rooted(node: ConditionTree | None) -> ConditionTree | None:
    """The filter with a group outermost."""
    return node if node is None or kind_of(node) in GROUPS else {"all": [node]}


def added(tree: ConditionTree | None, place: TreePlace, new: ConditionTree) -> ConditionTree:
    """With one more node in the group at the place. Raises NoSuchPlace."""
    if tree is None:
        return {"all": [new]}
    node = node_at(tree, place)
    kind = kind_of(node)
    if kind in GROUPS:
        return replaced(tree, place, {kind: [*node[kind], new]})
    if kind in _ONE_PART:
        inner = node[kind]
        grown = added(inner, (), new) if kind_of(inner) in GROUPS else {"all": [inner, new]}
        return replaced(tree, place, {kind: grown})
    return replaced(tree, place, {"all": [node, new]})


def replaced(tree: ConditionTree, place: TreePlace, new: ConditionTree) -> ConditionTree:
    """With another node at the place. Raises NoSuchPlace."""
    if not place:
        return new
    parts = parts_of(tree)
    if place[0] >= len(parts):
        raise NoSuchPlace(NoSuchPlace.__doc__)
    return _with_parts(tree, [*parts[: place[0]], replaced(parts[place[0]], place[1:], new), *parts[place[0] + 1 :]])


def removed(tree: ConditionTree, place: TreePlace) -> ConditionTree | None:
    """Without the node at the place, nor groups that are empty without it. Raises NoSuchPlace."""
    if not place:
        return None
    parts = parts_of(tree)
    if place[0] >= len(parts):
        raise NoSuchPlace(NoSuchPlace.__doc__)
    less = removed(parts[place[0]], place[1:])
    left = [*parts[: place[0]], *([] if less is None else [less]), *parts[place[0] + 1 :]]
    return _with_parts(tree, left) if left else None


def toggled(tree: ConditionTree, place: TreePlace) -> ConditionTree:
    """With ``any`` for ``all`` at the place, or the other way round. Raises NoSuchPlace."""
    node = node_at(tree, place)
    kind = kind_of(node)
    if kind not in GROUPS:
        raise NoSuchPlace(NoSuchPlace.__doc__)
    return replaced(tree, place, {"any" if kind == "all" else "all": node[kind]})


def negated(tree: ConditionTree, place: TreePlace) -> ConditionTree:
    """With the opposite at the place. Raises NoSuchPlace."""
    node = node_at(tree, place)
    return rooted(replaced(tree, place, node["not"] if kind_of(node) == "not" else {"not": node})) or {}


def _with_parts(node: ConditionTree, parts: list[ConditionTree]) -> ConditionTree:
    kind = kind_of(node)
    return {kind: parts} if kind in GROUPS else {kind: parts[0]}
