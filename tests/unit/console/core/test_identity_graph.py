"""The picture of a customer's links: where its parts stand, and that it says what the table says."""

from itertools import combinations
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.identity_graph import (
    BADGE,
    MOST_LINKS,
    NARROW,
    NODE_HEIGHT,
    WIDE,
    GraphLayout,
    draw,
    ties_of,
)
from tests.support.console_links import a_tie, links

A, B = "line:oa:U1", "facebook:p:2"
CONTACTS = st.sampled_from([A, B, "web:shop:c3", "crm:m:4"])
TIES = st.lists(
    st.builds(
        a_tie,
        CONTACTS,
        st.sampled_from(["phone", "email", "contact", "staff"]),
        st.one_of(CONTACTS, st.sampled_from(["1", "2", "3"])),
        st.integers(0, 9),
    ),
    max_size=30,
)


def test_contacts_are_on_the_left_and_values_on_the_right() -> None:
    graph = draw(links(a_tie(A, "phone", "1"), a_tie(B, "phone", "1")))
    assert [(node.is_contact, node.x < WIDE.width // 2) for node in graph.nodes] == [
        (True, True),
        (True, True),
        (False, False),
    ]


def test_a_contact_of_another_customer_stands_among_the_values() -> None:
    graph = draw(links(a_tie(A, "contact", B, reason="decided_different")))
    other = next(node for node in graph.nodes if node.key == ("contact", B))
    assert (other.is_contact, other.x > WIDE.width // 2) == (True, True)


def test_refused_ties_are_drawn_with_the_numbers_of_the_table() -> None:
    shown = links(a_tie(A, "phone", "1"), a_tie(A, "email", "2", reason="shared"))
    graph = draw(shown)
    assert [(link.number, link.tie) for link in graph.links] == list(enumerate(ties_of(shown), start=1))


def test_more_links_than_are_drawn_are_counted() -> None:
    graph = draw(links(*(a_tie(A, "phone", str(number)) for number in range(MOST_LINKS + 7))))
    assert (len(graph.links), graph.left_out) == (MOST_LINKS, 7)


@given(TIES, st.sampled_from([WIDE, NARROW]))
def test_every_part_is_inside_the_picture_and_none_covers_another(ties: list[object], layout: GraphLayout) -> None:
    graph = draw(links(*ties), layout)  # type: ignore[arg-type]  # they are ties
    places = [(node.x, node.y) for node in graph.nodes]
    assert len(set(places)) == len(places)
    assert layout.left + layout.node_width < layout.right
    for x, y in places:
        assert 0 <= x <= layout.width - layout.node_width
        assert 0 <= y <= graph.height - NODE_HEIGHT
    for link in graph.links:
        assert 0 <= link.badge_x <= layout.width
        assert 0 <= link.badge_y <= graph.height


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_numbers_of_links_stand_apart_where_many_share_values(layout: GraphLayout) -> None:
    crowd = [f"line:oa:U{number}" for number in range(8)]
    shared = [a_tie(one, kind, kind) for one in crowd for kind in ("phone", "email")]
    graph = draw(links(*shared, a_tie(crowd[0], "contact", crowd[1]), a_tie(crowd[1], "staff", crowd[2])), layout)
    places = [(link.badge_x, link.badge_y) for link in graph.links]
    assert min(dist(one, other) for one, other in combinations(places, 2)) >= 2 * BADGE


def test_a_text_that_is_too_long_for_its_box_is_cut() -> None:
    assert NARROW.fitted("林小美") == "林小美"
    assert NARROW.fitted("王" * 9) == "王" * 4 + "…"
    assert NARROW.fitted("+886911222333") == "+88691122…"
