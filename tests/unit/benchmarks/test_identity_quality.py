"""Nobody makes the rules worse unseen: precision and F1 of a small population have floors, in total and by cause."""

from collections import Counter

import pytest

from benchmarks.figures import Round
from benchmarks.identity_quality.accuracy import accuracy_of
from benchmarks.identity_quality.benchmark import LEAST_F1, LEAST_MEAN, LEAST_PRECISION, ByContender, round_of
from benchmarks.identity_quality.contenders import components, resolved, segment_like
from benchmarks.identity_quality.population import CAUSES, population
from tests.support.identity_events import bound, claimed, stated

PEOPLE, SEED = 24, 1

# Precision and F1 of each cause are not below these. Where one person has two member ids that nobody merged, and where
# a stranger claims a member's phone, the rules can't know better; a couple's phone ties neither of them.
FLOORS = {
    "ordinary": (1.0, 1.0),
    "families": (1.0, 0.82),
    "kiosks": (0.92, 0.95),
    "junk": (1.0, 0.93),
    "recycled_numbers": (1.0, 0.87),
    "seven_day_cookies": (1.0, 1.0),
    "doubles": (1.0, 0.5),
    "gifts": (1.0, 1.0),
    "typing_errors": (1.0, 1.0),
    "strangers": (0.5, 0.6),
    "crm_replaced": (1.0, 0.33),
    "crm_replaced_and_merged": (1.0, 1.0),
}


@pytest.fixture(scope="module", name="found")
def fixture_found() -> tuple[Round, dict[str, ByContender]]:
    return round_of(PEOPLE, SEED)


def test_precision_and_f1_in_total_are_not_below_their_floors(found: tuple[Round, dict[str, ByContender]]) -> None:
    figures, _ = found
    assert figures["quality_onefold_precision"] >= LEAST_PRECISION
    assert figures["quality_onefold_f1"] >= LEAST_F1
    assert figures["quality_onefold_mean_f1"] >= LEAST_MEAN


def test_no_cause_is_below_its_floors(found: tuple[Round, dict[str, ByContender]], subtests: pytest.Subtests) -> None:
    _, by_cause = found
    assert by_cause.keys() == CAUSES.keys() == FLOORS.keys()
    for cause, (precision, f1) in FLOORS.items():
        with subtests.test(cause):
            assert by_cause[cause]["onefold"].precision >= precision
            assert by_cause[cause]["onefold"].f1 >= f1


@pytest.mark.parametrize("other", ["components", "segment_like"])
def test_the_rules_are_better_than_simpler_ones(found: tuple[Round, dict[str, ByContender]], other: str) -> None:
    figures, _ = found
    for measure in ("precision", "f1", "mean_f1"):
        assert figures[f"quality_onefold_{measure}"] > figures[f"quality_{other}_{measure}"]


def test_equal_seeds_give_equal_people_and_others_do_not() -> None:
    worlds = [population(CAUSES, 12, seed) for seed in (1, 1, 2)]
    events = [[(one.contact, one.occurred_at, one.data) for one in world.events] for world in worlds]
    assert events[0] == events[1] != events[2]
    assert worlds[0].truth == worlds[1].truth


def test_no_two_events_happen_at_once() -> None:
    times = Counter(one.occurred_at for one in population(CAUSES, 12).events)
    assert max(times.values()) == 1


def test_accuracy_counts_pairs() -> None:
    truth = {"a": 1, "b": 1, "c": 1, "d": 2}
    found = accuracy_of([{"a", "b", "d"}, {"c"}, {"unknown", "b2"}], truth)
    assert found == (3, 3, 1)
    assert (found.precision, found.recall, found.f1) == (1 / 3, 1 / 3, 1 / 3)


def test_components_join_whoever_shares_a_value() -> None:
    found = resolved([stated("crm:m:1", member_id="M1", phone="+886911111111"), claimed("web:s:1", phone="0911111111")])
    assert sorted(map(len, components(found))) == [2]


def test_segments_rules_keep_two_members_apart_and_let_the_later_have_the_browser() -> None:
    events = [
        stated("crm:m:1", at=1, member_id="M1"),
        stated("crm:m:2", at=2, member_id="M2"),
        bound("web:s:1", at=3, member_id="M1"),
        bound("web:s:1", at=4, member_id="M2"),
    ]
    assert set(segment_like(resolved(events))) == {frozenset({"crm:m:1"}), frozenset({"crm:m:2", "web:s:1"})}
