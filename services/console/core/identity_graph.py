"""Lays out what ties a customer's contacts together: contacts on the left, identifiers on the right (pure).

The same links always give the same picture. Numbers are in units of the picture, whose width is that of its layout.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, NamedTuple
from unicodedata import east_asian_width

from services.query.core.identity_models import CustomerLinks, Tie

MOST_LINKS: Final = 150  # of a customer that are drawn; the table has the others of the page too
NODE_HEIGHT: Final = 52
_ROW: Final = 72
_TOP: Final = 12
_BETWEEN_CONTACTS: Final = frozenset({"contact", "staff", "session"})


class GraphLayout(NamedTuple):
    """How wide the picture and its boxes are; ``left`` is the room for links between two contacts.

    ``characters`` of a text fit into a box, of which Chinese ones take the room of two.
    """

    width: int
    node_width: int
    left: int
    characters: int

    @property
    def right(self) -> int:
        """Where the boxes of values begin."""
        return self.width - self.node_width - 10

    def fitted(self, text: str) -> str:
        """The beginning of a text that fits into a box."""
        room, kept = self.characters, ""
        for character in text:
            room -= 2 if east_asian_width(character) in "WF" else 1
            if room < 0:
                return f"{kept[:-1]}…"
            kept += character
        return text


WIDE: Final = GraphLayout(860, 270, 90, 24)
NARROW: Final = GraphLayout(330, 124, 18, 10)
GraphKey = tuple[str, str]  # a type and a value; of a contact, "contact" and its key


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A contact, or a value; a contact of another customer stands among the values."""

    key: GraphKey
    x: int
    y: int

    @property
    def is_contact(self) -> bool:
        """Whether it is a contact, of this customer or of another one."""
        return self.key[0] == "contact"


@dataclass(frozen=True, slots=True)
class GraphLink:
    """A tie as a curve; ``number`` is its row in the table, and its badge is in the middle of the curve."""

    tie: Tie
    number: int
    path: str
    badge_x: int
    badge_y: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The picture."""

    layout: GraphLayout
    height: int
    nodes: tuple[GraphNode, ...]
    links: tuple[GraphLink, ...]
    left_out: int


def ties_of(links: CustomerLinks) -> list[Tie]:
    """What the table shows: accepted ties, refused ones, and statements that make no link."""
    return [*links.accepted, *links.refused, *links.not_linked]


def draw(links: CustomerLinks, layout: GraphLayout = WIDE) -> Graph:
    """The picture of a page of a customer's links."""
    ties = list(enumerate(ties_of(links), start=1))
    drawn = ties[:MOST_LINKS]
    own = {one.contact: None for one in links.contacts} | {tie.contact: None for _, tie in drawn}
    contacts = {("contact", key): row for row, key in enumerate(own)}
    values = _values([tie for _, tie in drawn], contacts)
    nodes = {key: GraphNode(key, layout.left, _y(row)) for key, row in contacts.items()}
    nodes |= {key: GraphNode(key, layout.right, _y(row)) for row, key in enumerate(values)}
    return Graph(
        layout=layout,
        height=_TOP * 2 + _ROW * max(len(contacts), len(values), 1),
        nodes=tuple(nodes.values()),
        links=tuple(_link(number, tie, nodes, layout) for number, tie in drawn),
        left_out=len(ties) - len(drawn),
    )


def value_key(tie: Tie) -> GraphKey:
    """The node that a tie leads to."""
    return ("contact", tie.value) if tie.type in _BETWEEN_CONTACTS else (tie.type, tie.value)


def _values(ties: Sequence[Tie], contacts: dict[GraphKey, int]) -> list[GraphKey]:
    """The right column, each value beside the contacts that have it."""
    rows: dict[GraphKey, list[int]] = defaultdict(list)
    for tie in ties:
        if (key := value_key(tie)) not in contacts:
            rows[key].append(contacts["contact", tie.contact])
    return sorted(rows, key=lambda key: (fmean(rows[key]), key))


def _link(number: int, tie: Tie, nodes: dict[GraphKey, GraphNode], layout: GraphLayout) -> GraphLink:
    start, end = nodes["contact", tie.contact], nodes[value_key(tie)]
    y1, y2 = start.y + NODE_HEIGHT // 2, end.y + NODE_HEIGHT // 2
    if end.x == start.x:
        left = layout.left
        bow = left * (1 + 2 * (number % 3)) // 9
        path = f"M {left} {y1} C {bow} {y1}, {bow} {y2}, {left} {y2}"
        return GraphLink(tie, number, path, (left + 3 * bow) // 4, (y1 + y2) // 2)
    x1, x2 = start.x + layout.node_width, end.x
    middle = (x1 + x2) // 2
    share = (number % 3 + 1) / 4  # badges of links that cross stand apart
    path = f"M {x1} {y1} C {middle} {y1}, {middle} {y2}, {x2} {y2}"
    return GraphLink(tie, number, path, round(_bezier(x1, middle, x2, share)), round(_bezier3(y1, y2, share)))


def _bezier(start: float, middle: float, end: float, share: float) -> float:
    rest = 1 - share
    return rest**3 * start + 3 * rest * share * middle + share**3 * end


def _bezier3(start: float, end: float, share: float) -> float:
    rest = 1 - share
    return (rest**3 + 3 * rest**2 * share) * start + (3 * rest * share**2 + share**3) * end


def _y(row: int) -> int:
    return _TOP + row * _ROW
