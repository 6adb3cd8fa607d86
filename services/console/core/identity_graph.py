"""Lays out what ties a customer's contacts together: contacts on the left, identifiers on the right (pure).

The same links always give the same picture. Numbers are in units of the picture, whose width is that of its layout.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist
from statistics import fmean
from typing import Final, NamedTuple
from unicodedata import east_asian_width

from services.query.core.identity_models import CustomerLinks, Tie

MOST_LINKS: Final = 150  # of a customer that are drawn; the table has the others of the page too
NODE_HEIGHT: Final = 52
_ROW: Final = 72
_TOP: Final = 12
_BETWEEN_CONTACTS: Final = frozenset({"contact", "staff", "session"})
BADGE: Final = 13  # the radius of a link's number
_APART: Final = 2 * BADGE + 3
# Where on its curve a number may stand, the middle first.
_SHARES: Final = tuple(sorted((step / 50 for step in range(4, 47)), key=lambda share: (abs(share - 0.5), share)))


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
NARROW: Final = GraphLayout(330, 108, 30, 10)
Point = tuple[int, int]
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
    """A tie as a curve; ``number`` is its row in the table, and its badge stands on the curve, apart from others."""

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
    badge: int = BADGE


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
        links=tuple(_links(drawn, nodes, layout)),
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


def _links(ties: Sequence[tuple[int, Tie]], nodes: dict[GraphKey, GraphNode], layout: GraphLayout) -> list[GraphLink]:
    """The curves; each number stands where it covers none of those before it, as far as there is such a place."""
    taken: dict[Point, list[Point]] = defaultdict(list)
    links = []
    for number, tie in ties:
        curve = _curve(nodes["contact", tie.contact], nodes[value_key(tie)], number, layout)
        free = (one for one in map(curve.at, _SHARES) if _room(one, taken) >= _APART)
        x, y = next(free, None) or max(map(curve.at, _SHARES), key=lambda one: _room(one, taken))
        taken[x // _APART, y // _APART].append((x, y))
        links.append(GraphLink(tie, number, curve.path, x, y))
    return links


def _room(place: Point, taken: Mapping[Point, Sequence[Point]]) -> float:
    """How far the nearest badge is, of those in the squares around a place; at most so far that it does not matter."""
    column, row = place[0] // _APART, place[1] // _APART
    around = ((column + x, row + y) for x in (-1, 0, 1) for y in (-1, 0, 1))
    near = [one for square in around for one in taken.get(square, ())]
    return min([_APART, *(dist(place, one) for one in near)])


def _curve(start: GraphNode, end: GraphNode, number: int, layout: GraphLayout) -> "_Curve":
    y1, y2 = start.y + NODE_HEIGHT // 2, end.y + NODE_HEIGHT // 2
    if end.x == start.x:
        bow = layout.left * (1 + 2 * (number % 3)) // 9
        return _Curve((layout.left, y1), bow, (layout.left, y2))
    x1, x2 = start.x + layout.node_width, end.x
    return _Curve((x1, y1), (x1 + x2) // 2, (x2, y2))


class _Curve(NamedTuple):
    """A curve that leaves its ends horizontally; ``bow`` is the x of both of its control points."""

    start: Point
    bow: int
    end: Point

    @property
    def path(self) -> str:
        (x1, y1), (x2, y2) = self.start, self.end
        return f"M {x1} {y1} C {self.bow} {y1}, {self.bow} {y2}, {x2} {y2}"

    def at(self, share: float) -> Point:
        """The point after a share of the way."""
        rest = 1 - share
        first, last = rest**3, share**3
        early, late = 3 * rest**2 * share, 3 * rest * share**2
        x = first * self.start[0] + (early + late) * self.bow + last * self.end[0]
        return max(BADGE + 2, round(x)), round((first + early) * self.start[1] + (late + last) * self.end[1])


def _y(row: int) -> int:
    return _TOP + row * _ROW
