"""The contact that the demo shows has every part of a profile."""

import pytest

from services.demo.generate import generate_year


@pytest.mark.parametrize("until", [1_760_000_000_000, 1_771_234_567_890, 1_790_000_000_000, 1_795_474_800_000])
@pytest.mark.parametrize("number", [300, 5_000])
def test_the_contact_shown_has_all_three_times_and_a_full_profile(number: int, until: int) -> None:
    year = generate_year(7, 2_000, number, until)
    mine = [event for event in year.events if event["contact"] == year.featured.ref]
    types = {event["type"] for event in mine}
    purposes = {event["data"].get("purpose") for event in mine}
    assert "conversation" in purposes
    assert purposes & {"broadcast", "cart_remarketing"}
    assert {"profile.updated", "tag.added", "attribute.set", "omo.bound"} <= types
    assert {"message.received", "bot.interacted", "contact.followed"} & types


def test_a_year_without_anybody_on_line_still_has_a_contact_to_show() -> None:
    for seed in range(40):
        year = generate_year(seed, 1, 8, 1_790_000_000_000)
        assert year.featured.ref in [event["contact"] for event in year.events]
