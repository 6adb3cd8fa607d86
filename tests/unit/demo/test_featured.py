"""The contact that the demo shows has every part of a profile."""

import pytest

from services.demo.featured import most_complete_contact
from services.demo.generate import generate_events


@pytest.mark.parametrize("until", [1_760_000_000_000, 1_771_234_567_890, 1_790_000_000_000, 1_795_474_800_000])
@pytest.mark.parametrize("number", [300, 5_000])
def test_the_contact_shown_has_all_three_times_and_a_name(number: int, until: int) -> None:
    events = generate_events(7, 2_000, number, until)
    shown = most_complete_contact(events)
    mine = [event for event in events if event["contact"] == shown]
    purposes = {event["data"].get("purpose") for event in mine}
    assert "conversation" in purposes
    assert purposes & {"broadcast", "cart_remarketing"}
    assert {"profile.updated"} <= {event["type"] for event in mine}
    assert {"message.received", "bot.interacted", "contact.followed"} & {event["type"] for event in mine}


def test_the_choice_does_not_depend_on_the_order_of_events() -> None:
    events = generate_events(7, 100, 800, 1_790_000_000_000)
    assert most_complete_contact(reversed(events)) == most_complete_contact(events)
