import pytest

from services.worker.core.publishing_pace import rest_after


@pytest.mark.parametrize(
    ("worked", "contacts_behind", "rest"),
    [
        (0.2, 0.0, 0.2),  # as long as it worked
        (0.2, 0.9, 0.2),  # contacts are current
        (0.2, 3.0, 3.0),  # as long as contacts are behind
        (2.0, 1.5, 2.0),
        (0.2, 60.0, 5.0),  # it goes on, however far they are behind
        (9.0, 0.0, 5.0),
    ],
)
def test_a_job_that_sends_events_rests_longer_while_contacts_are_behind(
    worked: float, contacts_behind: float, rest: float
) -> None:
    assert rest_after(worked, contacts_behind) == rest
