"""The crossings' law: they lead from level to level, each threshold once, and none where nothing is crossed."""

from hypothesis import example, given
from hypothesis import strategies as st

from projections.quota.thresholds import QuotaUse, crossings, level_of
from schemas.quota_changes import THRESHOLDS
from tests.support.strategies import BASE_MS

USES = st.builds(
    QuotaUse, st.none() | st.integers(0, 20), st.sampled_from(["contacts", "customers"]), st.integers(0, 25)
)


@given(USES, USES)
@example(QuotaUse(10, "contacts", 0), QuotaUse(10, "contacts", 8))
def test_crossings_lead_from_one_level_to_the_next(before: QuotaUse, after: QuotaUse) -> None:
    level = level_of(before)
    lower = 0
    for one in crossings("demo", level, after, BASE_MS):
        lower = max((it for it in THRESHOLDS if it < one.threshold), default=0)
        assert level == (lower if one.direction == "up" else one.threshold)
        level = one.threshold if one.direction == "up" else lower
        assert (one.used, one.limit, one.unit) == (after.used, after.limit or 0, after.unit)
    assert level == level_of(after)


@given(USES)
def test_nothing_is_crossed_by_looking_again(use: QuotaUse) -> None:
    assert not list(crossings("demo", level_of(use), use, BASE_MS))


def test_a_threshold_is_reached_where_its_percentage_is_used() -> None:
    for used, level in ((7, 0), (8, 80), (9, 90), (10, 100), (11, 100)):
        assert level_of(QuotaUse(10, "contacts", used)) == level
    assert level_of(QuotaUse(None, "contacts", 5)) == 0
    assert level_of(QuotaUse(0, "contacts", 0)) == 100  # no contact is within this limit
