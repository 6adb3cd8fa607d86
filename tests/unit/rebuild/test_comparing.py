"""Digests and rows give a verdict, whatever the order in which the rows come together."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.engine.comparison import Digest
from projections.engine.metadata import Key
from services.rebuild.core.comparing import (
    ComparedPlace,
    DifferingKeys,
    DifferingRow,
    FoundKeys,
    GenerationComparison,
    TenantRows,
    differing_keys,
    differing_places,
    places_of,
)

ROWS = st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), st.integers(0, 2))
AT = TenantRows("tags", "demo")
SOME = DifferingKeys((("demo", 1),), complete=True)


async def hashed(rows: Mapping[Key, int]) -> AsyncIterator[tuple[Key, int]]:
    for key in sorted(rows):
        yield key, rows[key]


def found(
    here: Mapping[Key, int], there: Mapping[Key, int], most: int = 100, pending: frozenset[int] = frozenset()
) -> FoundKeys:
    return asyncio.run(differing_keys(hashed(here), hashed(there), most, pending=pending))


def compared(here: Mapping[Key, int], there: Mapping[Key, int], most: int = 100) -> DifferingKeys:
    return found(here, there, most).differing


@given(ROWS, ROWS)
def test_the_keys_that_differ_are_found_in_their_order(here: dict[Key, int], there: dict[Key, int]) -> None:
    expected = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    assert compared(here, there) == DifferingKeys(tuple(expected), complete=True)


@given(ROWS, ROWS)
def test_rows_that_only_the_first_side_has_are_no_difference_where_the_other_may_lack_them(
    here: dict[Key, int], there: dict[Key, int]
) -> None:
    judged = {key: value for key, value in here.items() if key in there}
    lacking = asyncio.run(differing_keys(hashed(here), hashed(there), may_lack=True))
    assert lacking.differing == compared(judged, there)


@given(ROWS, ROWS, st.integers(1, 5))
def test_no_more_keys_are_remembered_than_allowed(here: dict[Key, int], there: dict[Key, int], most: int) -> None:
    whole = compared(here, there).keys
    assert compared(here, there, most) == DifferingKeys(whole[:most], complete=len(whole) <= most)


@given(ROWS, ROWS, st.frozensets(st.integers(0, 9)), st.integers(1, 5))
def test_rows_that_are_pending_take_no_place_of_others(
    here: dict[Key, int], there: dict[Key, int], pending: frozenset[int], most: int
) -> None:
    judged: list[dict[Key, int]] = [
        {key: value for key, value in rows.items() if key[1] not in pending} for rows in (here, there)
    ]
    assert found(here, there, most, pending).differing == compared(judged[0], judged[1], most)


@given(ROWS, ROWS, st.frozensets(st.integers(0, 9)))
def test_each_row_that_differs_is_judged_or_undecided(
    here: dict[Key, int], there: dict[Key, int], pending: frozenset[int]
) -> None:
    differing, undecided, nameless = found(here, there, pending=pending)
    assert nameless == 0
    assert sorted((*differing.keys, *undecided.keys)) == list(compared(here, there).keys)
    assert {key[1] for key in undecided.keys} <= pending


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.frozensets(st.integers(0, 9)))
def test_rows_of_contacts_that_name_an_erased_one_are_counted_alone(
    here: set[int], there: set[int], naming: frozenset[int]
) -> None:
    one, other = ({("demo", "default", UUID(int=number)): 0 for number in rows} for rows in (here, there))
    ids = {UUID(int=number) for number in naming}
    differing, _, nameless = asyncio.run(differing_keys(hashed(one), hashed(other), naming=ids))
    assert nameless == len((here ^ there) & naming)
    assert {key[2] for key in differing.keys} == {UUID(int=number) for number in (here ^ there) - naming}


@given(ROWS, ROWS, ROWS, st.frozensets(st.integers(0, 9)), st.frozensets(st.integers(0, 9)))
def test_a_row_stays_undecided_only_if_it_was_pending_or_differed_each_time(
    one: dict[Key, int], two: dict[Key, int], now: dict[Key, int], before: frozenset[int], later: frozenset[int]
) -> None:
    first, second = found(one, now, pending=before), found(two, now, pending=later)
    still = first.still(second)
    both = set(compared(one, now).keys) & set(compared(two, now).keys)
    assert set(still.undecided.keys) == {key for key in both if key[1] in later}
    assert set(still.differing.keys) == {key for key in both if key[1] not in later}


@given(ROWS, ROWS, ROWS)
def test_a_row_counts_only_if_it_differs_each_time(
    one: dict[Key, int], two: dict[Key, int], now: dict[Key, int]
) -> None:
    first, second = compared(one, now), compared(two, now)
    assert set(first.still(second).keys) == set(first.keys) & set(second.keys)


def test_keys_that_were_not_remembered_may_have_differed_before() -> None:
    first, second = DifferingKeys((("a", 1),), complete=False), DifferingKeys((("b", 2),), complete=True)
    assert first.still(second) == second
    assert DifferingKeys((), complete=False)
    assert not DifferingKeys((), complete=True)


def test_a_tenant_that_only_one_side_has_differs() -> None:
    here, there = {"demo": Digest(2, 7), "other": Digest(1, 3)}, {"demo": Digest(2, 7), "third": Digest(1, 3)}
    differs = list(differing_places("tags", here, there))
    assert differs == [TenantRows("tags", "other"), TenantRows("tags", "third")]
    assert places_of("tags", here, there, dict.fromkeys(differs, FoundKeys(SOME))) == [
        ComparedPlace(AT, 2, 2, same=True),
        ComparedPlace(TenantRows("tags", "other"), 1, 0, same=False),
        ComparedPlace(TenantRows("tags", "third"), 0, 1, same=False),
    ]


def test_what_differs_is_refused_until_it_is_accepted_by_name() -> None:
    places = places_of("tags", {"demo": Digest(1, 1)}, {"demo": Digest(1, 2)}, {AT: FoundKeys(SOME)})
    result = GenerationComparison([*places, *places_of("contacts", {"demo": Digest(1, 1)}, {"demo": Digest(1, 1)}, {})])
    assert result.refused(()) == ("tags",)
    assert result.refused(("contacts",)) == ("tags",)
    assert result.refused(("tags",)) == ()


def test_a_stored_result_has_no_values() -> None:
    row = DifferingRow(AT, ("demo", 1), {"tenant": "demo", "tag": "a secret"}, {"tenant": "demo", "tag": "another"})
    assert row.columns == ("tag",)
    assert "secret" not in str(GenerationComparison((), [row]).as_dict())


def test_rows_that_are_undecided_are_counted_and_do_not_differ() -> None:
    undecided = {AT: FoundKeys(undecided=SOME)}
    result = GenerationComparison(places_of("tags", {"demo": Digest(1, 1)}, {"demo": Digest(1, 2)}, undecided))
    assert result.differing == ()
    assert result.left_out == 1
    assert result.as_dict()["left_out"] == 1
