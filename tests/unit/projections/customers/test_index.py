"""What the search index keeps of attributes: it tells whose values fulfil a test, and forgets what nobody has."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.customers.index import attributes, columns
from projections.customers.index.attributes import ValuesHeld
from projections.customers.search.filters import ByAttribute, parse
from projections.customers.search.operators import Scalar, value_holds
from projections.customers.value_counts import key_of_value

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3)
TEXTS = st.text("aB\u6797", min_size=1, max_size=3)
VALUES = NUMBERS | TEXTS | st.booleans()
TESTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBERS | TEXTS),
        **dict.fromkeys(("eq", "ne"), VALUES),
        "in": st.lists(VALUES, min_size=1, max_size=3),
        "between": st.lists(NUMBERS | TEXTS, min_size=2, max_size=2),
        "contains": TEXTS,
    },
).filter(bool)
OWNERS = st.integers(0, 12)


@given(st.dictionaries(OWNERS, VALUES), st.lists(st.tuples(OWNERS, VALUES | st.none())), st.lists(TESTS, max_size=4))
def test_the_customers_found_are_those_whose_value_fulfils_the_test(
    loaded: dict[int, Scalar], changes: list[tuple[int, Scalar | None]], tests: list[dict[str, Any]]
) -> None:
    kept, expected = ValuesHeld(), dict(sorted(loaded.items()))
    kept.append([*expected], [*expected.values()])
    columns._MOST_LOOSE, former = 2, columns._MOST_LOOSE  # type: ignore[misc] # so that rows are put in order again
    try:
        for owner, value in changes:
            apply(kept, expected, owner, value)
            for wanted in tests:
                node = parse({"attribute": "points", **wanted})
                assert isinstance(node, ByAttribute)
                found = {owner for owner, value in expected.items() if value_holds(node, value)}
                assert sorted(kept.owners(node).tolist()) == sorted(found), wanted
    finally:
        columns._MOST_LOOSE = former  # type: ignore[misc]
    assert set(kept.customers) == expected.keys()
    assert sum(kept.counts(columns.mask_of(kept.customers, 13)).values()) == len(expected)
    texts = {key_of_value(value) for value in expected.values()}
    assert {key_of_value(one) for one in kept._coded if one is not None} == texts


def apply(kept: ValuesHeld, expected: dict[int, Scalar], owner: int, value: Scalar | None) -> None:
    """Give a customer a value, or none."""
    if value is not None:
        kept.replace(owner, value)
        expected[owner] = value
    elif owner in expected:
        kept.remove(owner)
        del expected[owner]


def test_nothing_is_kept_of_an_attribute_with_long_texts_or_very_many_values() -> None:
    for values in (["a", "b" * 201], range(attributes.MOST_DIFFERENT + 1)):
        kept = ValuesHeld()
        kept.append(range(len(values)), values)
        kept.replace(0, "c")
        kept.remove(1)
        assert kept.too_wide
        assert len(kept.customers) == len(values) - 1
        assert not [*kept._coded]
