"""The person shown is one worth looking at."""

import pytest

from services.demo.generate import life
from services.demo.showcase import showcase


@pytest.mark.parametrize("until", [1_760_000_000_000, 1_771_234_567_890, 1_790_000_000_000, 1_795_474_800_000])
@pytest.mark.parametrize("events", [300, 5_000])
def test_the_person_shown_has_all_three_times_and_a_name(events: int, until: int) -> None:
    told = life(7, 2_000, events, until)
    shown = showcase(told)
    mine = [event for event in told if event["contact"] == shown]
    purposes = {event["data"].get("purpose") for event in mine}
    assert "conversation" in purposes
    assert purposes & {"broadcast", "cart_remarketing"}
    assert {"profile.updated"} <= {event["type"] for event in mine}
    assert {"message.received", "bot.interacted", "contact.followed"} & {event["type"] for event in mine}


def test_the_choice_does_not_hang_on_the_order() -> None:
    told = life(7, 100, 800, 1_790_000_000_000)
    assert showcase(reversed(told)) == showcase(told)
