"""Filters that are edited a step at a time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.customers.search.filters import parse
from services.console.core import filter_tree
from services.console.core.filter_tree import NoSuchPlace, TreePlace, parts_of, place_of, text_of

LEAF = st.sampled_from(["a", "b", "c"]).map(lambda tag: {"tag": tag})
NODES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAF,
    lambda node: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(node, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(node, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, node),
    ),
    max_leaves=6,
)
TREES = st.builds(lambda parts: {"all": parts}, st.lists(NODES, min_size=1, max_size=3))


def places(node: dict[str, Any], here: TreePlace = ()) -> list[TreePlace]:
    inner = [place for number, part in enumerate(parts_of(node)) for place in places(part, (*here, number))]
    return [here, *inner]


@given(TREES, st.data())
def test_each_step_gives_a_filter_that_there_is(tree: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(tree)))
    assert place_of(text_of(place)) == place
    steps = [filter_tree.added(tree, place, {"tag": "new"}), filter_tree.negated(tree, place)]
    steps += [left for left in [filter_tree.removed(tree, place)] if left is not None]
    if filter_tree.kind_of(filter_tree.node_at(tree, place)) in filter_tree.GROUPS:
        steps.append(filter_tree.toggled(tree, place))
        assert filter_tree.toggled(steps[-1], place) == tree
    for changed in steps:
        parse(changed)


@given(TREES, st.data())
def test_what_is_replaced_is_there_and_nothing_else_changes(tree: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(tree)))
    before = filter_tree.node_at(tree, place)
    changed = filter_tree.replaced(tree, place, {"tag": "new"})
    assert filter_tree.node_at(changed, place) == {"tag": "new"}
    assert filter_tree.replaced(changed, place, before) == tree


def test_the_last_condition_takes_its_groups_along() -> None:
    assert filter_tree.removed({"all": [{"not": {"any": [{"tag": "a"}]}}]}, (0, 0, 0)) is None
    tree = {"all": [{"tag": "b"}, {"same_contact": {"all": [{"valid": True}]}}]}
    assert filter_tree.removed(tree, (1, 0, 0)) == {"all": [{"tag": "b"}]}


@pytest.mark.parametrize("text", ["x", "-1", "1.", "0." * 50 + "0", "9999"])
def test_a_place_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(NoSuchPlace):
        place_of(text)
