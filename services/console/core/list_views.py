"""What the customers page shows of a filter, of facets and of numbers over time (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from projections.customers.search.fields import FilterField
from services.console.core import condition_forms, filter_tree
from services.console.core.condition_forms import Say, sentence_of
from services.console.core.filter_tree import ConditionTree, TreePlace, kind_of, place_of, text_of
from services.console.core.list_state import ListState
from services.query.core.field_models import FieldValue
from services.query.core.search_models import Facet

CHANNEL_NAMES: Final = {
    "line": "LINE", "facebook": "Facebook", "instagram": "Instagram", "whatsapp": "WhatsApp",
}  # fmt: skip
_TAGS_SHOWN: Final = 12
_VALUES_SHOWN: Final = 5  # of an attribute
_WIDTH: Final = 300.0
_HEIGHT: Final = 60.0


@dataclass(frozen=True, slots=True)
class FilterPart:
    """A node of a filter as chips: its words, the addresses that change it, and its parts."""

    kind: str
    place: str
    negated: bool
    field: str
    asked: str
    remove: str
    negate: str
    toggle: str
    edit: str
    parts: "tuple[FilterPart, ...]"


def channel_name(channel: str, say: Say) -> str:
    """What people call a channel."""
    others = {"web": say("Website"), "crm": say("CRM")}
    return CHANNEL_NAMES.get(channel) or others.get(channel) or channel


def value_name(key: str, value: str, say: Say) -> str:
    """What people call a value of a field; the value itself where it has no other name."""
    if key == "channel":
        return channel_name(value, say)
    named = {
        "site_button": say("button on the website"),
        "cart_tracker": say("pop-up at the cart"),
        "bot_button": say("button of the bot"),
        "broadcast": say("broadcasts"),
        "web_push": say("website remarketing"),
        "cart_remarketing": say("cart remarketing"),
    }
    return named.get(value, value) if key in {"bound", "opted_out"} else value


def part_of(  # noqa: PLR0913 - what a chip is made of
    state: ListState,
    node: ConditionTree,
    place: TreePlace,
    language: str,
    say: Say,
    *,
    segments: Mapping[str, str] = MappingProxyType({}),
    negated: bool = False,
) -> FilterPart:
    """The node at a place as chips. ``segments`` has the names of segments."""
    kind = kind_of(node)
    tree = state.tree or {}
    if kind == "not" and not negated:
        return part_of(state, node["not"], (*place, 0), language, say, segments=segments, negated=True)
    outer = place[:-1] if negated else place
    field, asked = sentence_of(node, language, say, _names(say, segments)) if kind == "leaf" else ("", "")
    parts = (*enumerate(filter_tree.parts_of(node)),)
    return FilterPart(
        kind,
        text_of(place),
        negated,
        field,
        asked,
        remove=state.having(tree=filter_tree.removed(tree, outer)).url(),
        negate=state.having(tree=filter_tree.negated(tree, outer)).url(),
        toggle=state.having(tree=filter_tree.toggled(tree, place)).url() if kind in filter_tree.GROUPS else "",
        edit=_edit_url(state, node, place) if kind == "leaf" else "",
        parts=tuple(part_of(state, one, (*place, at), language, say, segments=segments) for at, one in parts),
    )


def _edit_url(state: ListState, node: ConditionTree, place: TreePlace) -> str:
    return state.url(at=text_of(place), field=filter_tree.first_key(node), replace="1")


def _names(say: Say, segments: Mapping[str, str]) -> Callable[[str, str], str]:
    return lambda key, value: segments.get(value, value) if key == "segment" else value_name(key, value, say)


def within_same_contact(tree: ConditionTree | None, at: str) -> bool:
    """Whether a place is inside of ``same_contact``, where only conditions about one contact can be."""
    try:
        place = place_of(at)
        nodes = [filter_tree.node_at(tree, place[:length]) for length in range(len(place) + 1)]
    except filter_tree.NoSuchPlace:
        return False
    return any(kind_of(node) == "same_contact" for node in nodes)


def choices_of(field: FilterField | None, known: Sequence[FieldValue], say: Say) -> list[tuple[str, str, int | None]]:
    """The values that can be chosen of a field: value, name, and how many customers have it."""
    if field is None:
        return []
    counted = {str(one.value): one.customers for one in known}
    named = {str(one.value): one.label for one in known if one.label}
    values = dict.fromkeys([*field.choices, *counted])
    return [(one, named.get(one) or value_name(field.key, one, say), counted.get(one)) for one in values]


def narrowed(state: ListState, condition: ConditionTree) -> str:
    """The address of the list with one more condition; without it where it is there already."""
    tree = state.tree
    if tree is not None and kind_of(tree) == "all" and condition in tree["all"]:
        return state.having(tree=filter_tree.removed(tree, (tree["all"].index(condition),))).url()
    if tree is not None and kind_of(tree) != "all":
        return state.having(tree={"all": [tree, condition]}).url()
    return state.having(tree=filter_tree.added(tree, (), condition)).url()


class FacetChoice(NamedTuple):
    """What can be asked for: its words, the condition, and how many customers of the list fulfil it."""

    text: str
    condition: ConditionTree
    customers: int


class ShownFacet(NamedTuple):
    """The choices of a facet; with ``more`` there are others."""

    key: str
    choices: Sequence[FacetChoice]
    more: bool


def tag_facet(facet: Facet) -> ShownFacet:
    """The commonest tags."""
    choices = [FacetChoice(one.value, {"tag": one.value}, one.customers) for one in facet.values]
    return ShownFacet(facet.facet, choices[:_TAGS_SHOWN], len(choices) > _TAGS_SHOWN)


def attribute_facet(facet: Facet, say: Say, number: Callable[[float], str] | None = None) -> ShownFacet:
    """The commonest values; none of many that are all different, such as birthdays, since their counts say nothing.

    ``number`` writes values of an attribute that is one.
    """
    if facet.values and facet.values[0].customers == 1 and len(facet.values) > _TAGS_SHOWN:
        return ShownFacet(facet.facet, (), more=True)
    flags = {"true": say("yes"), "false": say("no")}

    def name(value: str) -> str:
        if number is None:
            return flags.get(value, value)
        try:
            return number(float(value) if "." in value else int(value))
        except ValueError:  # a text from before it was defined as a number, or one with an exponent
            return value

    choices = [
        FacetChoice(name(one.value), condition_forms.equals(facet.facet, one.value), one.customers)
        for one in facet.values[:_VALUES_SHOWN]
    ]
    return ShownFacet(facet.facet, choices, len(facet.values) > _VALUES_SHOWN)


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A line of numbers over time, as the points of a drawing 300 wide and 60 high."""

    points: str
    limit: float | None


def line(numbers: Sequence[int], limit: int | None = None) -> NumberLine:
    """Numbers as a line from 0 upwards, with the height of the limit if it is in sight."""
    most = max([*numbers, limit or 0, 1])
    step = _WIDTH / max(1, len(numbers) - 1)
    points = " ".join(f"{index * step:.1f},{_HEIGHT - one * _HEIGHT / most:.1f}" for index, one in enumerate(numbers))
    return NumberLine(points, None if limit is None else round(_HEIGHT - limit * _HEIGHT / most, 1))
