"""Candidates depend on the set of customers alone."""

from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.candidates.folds import CustomerProfiles, find_candidates, pair_of
from projections.candidates.keys import keys_of
from projections.candidates.profiles import ComparedProfile, Hold, profile
from projections.candidates.scoring import LEAST_SCORE, compare, score_of

NAMES = st.sampled_from(["Mei Lin", "Lin Mei", "May Lin", "Ann Wu", "王小明", "王小華"])
BIRTHDAYS = st.sampled_from(["1990-01-31", "1990-01-13", "1961-07-08", "1990/1/31"])
ADDRESSES = st.sampled_from(["12 Main St", "12, Main Street", "21 Side Rd"])
IDENTIFIERS = st.tuples(
    st.sampled_from(["phone", "email", "member_id"]),
    st.sampled_from(["+886912345678", "+886912345679", "annwu@a.example", "annwu@b.example"]),
)
HOLDS = st.builds(
    Hold, st.integers(1, 4), st.frozensets(st.sampled_from(["generic", "shared", "superseded"]), max_size=2)
)
PROFILES = st.builds(
    profile,
    st.lists(NAMES, max_size=2),
    st.lists(BIRTHDAYS, max_size=2),
    st.lists(ADDRESSES, max_size=2),
    st.dictionaries(IDENTIFIERS, HOLDS, max_size=3),
)


def numbered(profiles: list[ComparedProfile]) -> dict[UUID, ComparedProfile]:
    return {UUID(int=number): one for number, one in enumerate(profiles, 1)}


@given(st.lists(PROFILES, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(profiles: list[ComparedProfile], random: Random) -> None:
    customers = numbered(profiles)
    shuffled = list(customers.items())
    random.shuffle(shuffled)
    assert find_candidates(CustomerProfiles(customers)) == find_candidates(CustomerProfiles(dict(shuffled)))


@given(st.lists(PROFILES, max_size=8))
def test_candidates_are_all_pairs_that_share_a_key_and_have_the_score(profiles: list[ComparedProfile]) -> None:
    customers = numbered(profiles)
    expected = {
        (one, other): score
        for one in customers
        for other in customers
        if one < other
        and keys_of(customers[one]) & keys_of(customers[other])
        and (score := score_of(compare(customers[one], customers[other]))) >= LEAST_SCORE
    }
    assert {pair: one.score for pair, one in find_candidates(CustomerProfiles(customers)).items()} == expected


@given(PROFILES, PROFILES)
def test_a_score_is_between_none_and_one_and_the_same_either_way(one: ComparedProfile, other: ComparedProfile) -> None:
    score = score_of(compare(one, other))
    assert 0 < score < 1
    assert score == score_of(compare(other, one))


@given(st.lists(PROFILES, min_size=2, max_size=6), st.data())
def test_a_settled_pair_is_left_out_and_no_other(profiles: list[ComparedProfile], data: st.DataObject) -> None:
    customers = numbered(profiles)
    one, other = data.draw(st.lists(st.sampled_from(sorted(customers)), min_size=2, max_size=2, unique=True))
    pair = pair_of(one, other)
    found = find_candidates(CustomerProfiles(customers))
    assert find_candidates(CustomerProfiles(customers, frozenset({pair}))) == {
        key: value for key, value in found.items() if key != pair
    }
