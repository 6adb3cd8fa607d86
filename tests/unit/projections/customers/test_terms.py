"""The terms of attribute values: what a search asks the index for contains whatever it may find."""

from hypothesis import given
from hypothesis import strategies as st

from projections.customers.search.costs import cost_of, known_total, terms_in
from projections.customers.search.filters import parse
from projections.customers.search.necessary import necessary
from projections.customers.search.operators import Scalar, value_holds
from projections.customers.terms import EVERYBODY, number_terms, value_term

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
TEXTS = st.text(min_size=1, max_size=9).filter(lambda text: "\0" not in text)
TESTS = st.one_of(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBERS)).filter(bool),
    st.fixed_dictionaries({"between": st.lists(NUMBERS, min_size=2, max_size=2)}),
    st.fixed_dictionaries({"in": st.lists(NUMBERS | TEXTS | st.booleans(), min_size=1, max_size=4)}),
    st.fixed_dictionaries({"eq": NUMBERS | TEXTS | st.booleans()}),
)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_number_between_two_has_one_of_their_terms(low: float, value: float, high: float) -> None:
    terms = number_terms("points", low, high)
    assert not low <= value <= high or value_term("points", value) in terms


@given(TESTS, NUMBERS | TEXTS | st.booleans())
def test_a_value_that_fulfils_a_test_has_a_term_that_the_test_needs(test: dict[str, object], value: Scalar) -> None:
    node = parse({"attribute": "points", **test})
    wanted = necessary(node)
    assert wanted is not None
    assert not value_holds(node, value) or value_term("points", value) in wanted  # type: ignore[arg-type] # by attribute


def test_free_texts_and_numbers_make_a_bounded_number_of_terms() -> None:
    assert len({value_term("note", f"text {number}") for number in range(5_000)}) <= 256
    assert len({value_term("note", number) for number in range(5_000)}) <= 14


def test_the_counts_say_the_total_of_one_term_and_of_its_opposite() -> None:
    node = parse({"branch": "b1"})
    (term,) = terms_in(node) - {EVERYBODY}
    counts = {term: 3, EVERYBODY: 10}
    assert known_total(node, counts) == 3
    assert known_total(parse({"not": {"branch": "b1"}}), counts) == 7
    assert known_total(parse({"tag": "vip"}), counts) is None  # taggings run out
    assert known_total(parse({"branch": ["b1", "b2"]}), counts) is None  # a customer may have both


def test_a_contact_on_an_account_that_is_subscribed_costs_what_a_term_does() -> None:
    one = parse({"same_contact": {"all": [{"account": "line:oa1"}, {"subscribed": True}]}})
    other = parse({"same_contact": {"all": [{"account": "line:oa1"}, {"last_customer": {"since": "-1d"}}]}})
    assert cost_of(one, {EVERYBODY: 10}).each < cost_of(other, {EVERYBODY: 10}).each
