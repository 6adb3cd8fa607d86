"""What would merge, what would split, what would stay."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.query.core.previews import LARGEST, Comparison, preview


def customer(number: int) -> UUID:
    return UUID(int=number)


NOW = {customer(1): ("a", "b"), customer(3): ("c",), customer(4): ("d", "e", "f"), customer(7): ("g",)}
THEN = {customer(1): ("a", "b", "c"), customer(4): ("d", "e"), customer(6): ("f",), customer(7): ("g",)}


def test_merged_split_and_unchanged_customers_are_counted_and_shown() -> None:
    shown = preview(Comparison(NOW, THEN, alone=10))
    assert (shown.customers_now, shown.customers_then) == (14, 14)
    assert (shown.merged.count, shown.split.count, shown.unchanged.count) == (1, 1, 11)
    (merged,), (split,), (unchanged,) = shown.merged.largest, shown.split.largest, shown.unchanged.largest
    assert (merged.id, merged.contacts) == (customer(1), ["a", "b", "c"])
    assert {piece.id: piece.contacts for piece in merged.pieces} == {customer(1): ["a", "b"], customer(3): ["c"]}
    assert (split.id, split.contacts) == (customer(4), ["d", "e", "f"])
    assert {piece.id: piece.contacts for piece in split.pieces} == {customer(4): ["d", "e"], customer(6): ["f"]}
    assert (unchanged.id, unchanged.contacts, unchanged.pieces) == (customer(7), ["g"], [])


def test_customers_are_counted_by_their_sizes_on_both_sides() -> None:
    shown = preview(Comparison(NOW, THEN, alone=10))
    assert (shown.largest_now, shown.largest_then) == (3, 3)
    counted = {(one.least, one.most): (one.now, one.then) for one in shown.sizes if one.now or one.then}
    assert counted == {(1, 1): (12, 12), (2, 2): (1, 1), (3, 5): (1, 1)}
    nobody = preview(Comparison({}, {}, alone=0))
    assert (nobody.largest_now, sum(one.now for one in nobody.sizes)) == (0, 0)


def test_the_largest_customers_are_shown() -> None:
    now = {customer(number): tuple(f"{number:03d}-{i}" for i in range(number)) for number in range(1, LARGEST + 11)}
    shown = preview(Comparison(now, now, alone=0)).unchanged
    assert shown.count == LARGEST + 10
    assert [one.size for one in shown.largest] == list(range(LARGEST + 10, 10, -1))


def grouped(partition: list[int]) -> dict[UUID, tuple[str, ...]]:
    groups: dict[UUID, list[str]] = {}
    founders: dict[int, UUID] = {}
    for number, group in enumerate(partition):
        groups.setdefault(founders.setdefault(group, customer(number)), []).append(f"c{number}")
    return {founder: tuple(contacts) for founder, contacts in groups.items()}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_a_customer_is_unchanged_exactly_if_it_is_the_same_contacts_on_both_sides(sides: list[tuple[int, int]]) -> None:
    now, then = grouped([one for one, _ in sides]), grouped([other for _, other in sides])
    shown = preview(Comparison(now, then, alone=0))
    assert sum(one.now for one in shown.sizes) == len(now)
    assert sum(one.then for one in shown.sizes) == len(then)
    assert shown.unchanged.count == len(set(now.values()) & set(then.values()))
    assert {one.id for one in shown.merged.largest} == {
        founder for founder, contacts in then.items() if not any(set(contacts) <= set(group) for group in now.values())
    }
    assert {one.id for one in shown.split.largest} == {
        founder for founder, contacts in now.items() if not any(set(contacts) <= set(group) for group in then.values())
    }
