"""What comes out of rounds."""

import pytest

from benchmarks.figures import BenchmarkResult, Figure, Ratio
from benchmarks.report import as_json

FAST = Figure("fast", "fast", "events/s", at_least=100)
SLOW = Figure("slow", "slow", "events/s")
WAIT = Figure("wait", "wait", "ms", at_most=5)
GAIN = Figure("gain", "gain", "times", at_least=3, ratio=Ratio("fast", "slow"))
ROUNDS = [
    {"fast": 90.0, "slow": 30.0, "wait": 9.0},
    {"fast": 1.0, "slow": 40.0, "wait": 4.0},
    {"fast": 120.0, "slow": 45.0, "wait": 5.0},
]
OUTCOME = BenchmarkResult((FAST, SLOW, WAIT, GAIN), ROUNDS, {"events": 7})


def test_a_value_is_the_median_of_its_rounds() -> None:
    assert OUTCOME.values == {"fast": 90.0, "slow": 40.0, "wait": 5.0, "gain": 2.25}


def test_each_round_has_its_own_ratio() -> None:
    assert OUTCOME.series(GAIN) == [3.0, 0.025, pytest.approx(120 / 45)]


def test_a_target_is_met_from_its_bound_on_and_a_figure_without_one_has_no_verdict() -> None:
    assert OUTCOME.verdicts == {"fast": False, "wait": True, "gain": False}
    assert GAIN.met(3.0)
    assert not WAIT.met(5.1)
    assert SLOW.met(1.0) is None


def test_the_object_for_programs_is_flat_and_says_what_became_of_targets() -> None:
    found = as_json([OUTCOME], {"cores": 2})
    assert (found["fast"], found["gain"], found["events"]) == (90.0, 2.25, 7)
    assert found["targets"] == {
        "fast": {"at_least": 100, "met": False},
        "wait": {"at_most": 5, "met": True},
        "gain": {"at_least": 3, "met": False},
    }
    assert found["rounds"] == {
        "fast": [90.0, 1.0, 120.0],
        "slow": [30.0, 40.0, 45.0],
        "wait": [9.0, 4.0, 5.0],
        "gain": [3.0, 0.025, 2.667],
    }
    assert found["machine"] == {"cores": 2}
