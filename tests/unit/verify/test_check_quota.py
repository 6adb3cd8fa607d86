"""A wrong history of crossings of a quota is found."""

from collections.abc import Sequence

import pytest

from projections.quota.thresholds import QuotaUse, crossings, level_of
from schemas.quota_changes import QuotaCrossed
from services.verify.check_quota import Crossings, add_crossings, compare_crossings
from tests.support.strategies import BASE_MS

USED = (0, 85, 100, 79, 95, 101, 10, 120)


def history_of(used: Sequence[int]) -> list[QuotaCrossed]:
    """What is announced where a limit of 100 is used in these ways, one after the other."""
    found: list[QuotaCrossed] = []
    for before, after in zip([0, *used], used, strict=False):
        level = level_of(QuotaUse(100, "contacts", before))
        for one in crossings("demo", level, QuotaUse(100, "contacts", after), BASE_MS):
            found.append(one.model_copy(update={"seq": len(found) + 1}))
    return found


HISTORY = history_of(USED)


def difference(crossed: Sequence[QuotaCrossed], level: int = 100) -> str | None:
    found: Crossings = {}
    add_crossings(found, crossed)
    return compare_crossings(found, {"demo": level}).difference


def test_a_whole_history_leads_to_the_level_in_any_order_and_with_repeats() -> None:
    assert difference([*reversed(HISTORY), *HISTORY[:3]]) is None


@pytest.mark.parametrize("lost", range(len(HISTORY)))
def test_a_missing_crossing_is_found(lost: int) -> None:
    assert difference([*HISTORY[:lost], *HISTORY[lost + 1 :]]) is not None


@pytest.mark.parametrize("level", [0, 80, 90])
def test_another_level_is_found(level: int) -> None:
    assert difference(HISTORY, level) is not None


def test_a_level_without_a_crossing_and_a_crossing_without_a_level_are_found() -> None:
    assert difference([]) is not None
    found: Crossings = {}
    add_crossings(found, HISTORY)
    assert compare_crossings(found, {}).difference is not None
    assert compare_crossings({}, {"demo": 0}).difference is None
