"""Customer summaries are joined in any order and grouping, and a customer's row keeps all of its summary."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.identity.customer_summary import Clear, CustomerSummary, Preferred
from projections.identity.keys import ResolutionKey
from projections.identity.rows import customer_of, customer_row

ranks = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from(["e1", "e2"]))
preferred = st.builds(
    Preferred,
    st.booleans(),
    st.integers(-4, -1),
    ranks,
    st.sampled_from(["+551187654321", "a@example.tw"]),
    st.sampled_from(["+5511987654321", "A@example.tw"]),
)
exclusive = st.dictionaries(
    st.sampled_from([("member_id", ""), ("line_user", "p"), ("line_user", "q")]), st.sampled_from(["1", "2"])
)
nodes = st.tuples(st.sampled_from(["web:shop:c1", "web:shop:c2"]), st.sampled_from(["", "M1"]))
clears = st.builds(lambda least, values: Clear(least, tuple(sorted(values.items()))), nodes, exclusive)
foundings = st.just((None, None)) | st.tuples(
    st.sampled_from(["web:shop:c1", "web:shop:c2", "line:oa1:U1"]), st.none() | st.integers(0, 3)
)


def _summary(  # noqa: PLR0913, PLR0917 - a summary has that many parts
    founding: tuple[str | None, int | None],
    contacts: int,
    member_id: str | None,
    phone: Preferred | None,
    email: Preferred | None,
    clear: Clear | None,
) -> CustomerSummary:
    return CustomerSummary(founding[0], founding[1], contacts, member_id, phone, email, clear)


# Parts of one customer, which has at most one member id.
summaries = st.builds(
    _summary,
    foundings,
    st.integers(0, 3),
    st.none() | st.just("M1"),
    st.none() | preferred,
    st.none() | preferred,
    st.none() | clears,
)


@given(summaries, summaries, summaries)
def test_merge_is_associative(one: CustomerSummary, other: CustomerSummary, third: CustomerSummary) -> None:
    assert one.merge(other).merge(third) == one.merge(other.merge(third))


@given(summaries, summaries)
def test_merge_is_commutative(one: CustomerSummary, other: CustomerSummary) -> None:
    assert one.merge(other) == other.merge(one)


@given(summaries, summaries)
def test_a_claim_never_overrides_what_is_more_than_a_claim(one: CustomerSummary, other: CustomerSummary) -> None:
    both = one.merge(other)
    for shown, parts in ((both.phone, (one.phone, other.phone)), (both.email, (one.email, other.email))):
        assert (shown is not None and shown.firm) == any(part is not None and part.firm for part in parts)


@given(summaries.filter(lambda one: one.founder is not None))
def test_a_row_keeps_the_whole_summary(one: CustomerSummary) -> None:
    assert customer_of(customer_row(ResolutionKey("demo", "default"), UUID(int=1), one)) == one
