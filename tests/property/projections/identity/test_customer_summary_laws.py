"""A customer's summary is a commutative monoid, and its row keeps all of it."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.identity.customer_summary import EMPTY, CustomerSummary, Preferred, summary_in

preferred = st.builds(
    Preferred,
    st.sampled_from(["+886911111111", "a@example.tw"]),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(["e1", "e2"]),
)
exclusive = st.dictionaries(
    st.sampled_from([("member_id", ""), ("line_user", "p"), ("line_user", "q")]), st.sampled_from(["1", "2"])
)
summaries = st.builds(
    CustomerSummary,
    st.sampled_from(["web:shop:c1", "web:shop:c2", "line:oa1:U1"]),
    st.none() | st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.sampled_from(["M1", "M2"]),
    st.dictionaries(st.sampled_from(["phone", "email"]), preferred),
    st.none() | exclusive,
)


@given(summaries, summaries, summaries)
def test_merge_is_associative(one: CustomerSummary, other: CustomerSummary, third: CustomerSummary) -> None:
    assert one.merge(other).merge(third) == one.merge(other.merge(third))


@given(summaries, summaries)
def test_merge_is_commutative(one: CustomerSummary, other: CustomerSummary) -> None:
    assert one.merge(other) == other.merge(one)


@given(summaries)
def test_the_empty_summary_changes_nothing(one: CustomerSummary) -> None:
    assert EMPTY.merge(one) == one.merge(EMPTY) == one


@given(summaries)
def test_a_row_keeps_the_whole_summary(one: CustomerSummary) -> None:
    assert summary_in(one.row("demo", "default", UUID(int=1))) == one
