"""The sweep of candidates gives way to the agents."""

import pytest

from services.worker.core.sweeping_pace import rest_after


@pytest.mark.parametrize(("behind", "share"), [(0.0, 0.1), (1.0, 0.1), (1.5, 0.01), (3600.0, 0.01)])
def test_it_works_a_tenth_of_the_time_and_a_hundredth_while_the_agents_are_behind(behind: float, share: float) -> None:
    worked = 0.25
    assert worked / (worked + rest_after(worked, behind)) == pytest.approx(share)
