"""Every story of the data file can be played, and templates are filled as they say."""

from dataclasses import dataclass
from typing import Any

import pytest

from schemas.codec import from_dict
from services.demo import brand
from services.demo.cast import Role
from services.demo.dice import DAY, YEAR, Dice
from services.demo.people import Person, on_all_channels, population
from services.demo.stories import CASES, REACTIONS, STORIES, VISITS, play
from services.demo.templates import fill
from services.demo.year import Year

UNTIL = 1_790_000_000_000


class Certainly(Dice):
    """Dice that leave nothing out."""

    def chance(self, percent: float) -> bool:
        return percent > 0


def someone(number: int) -> Person:
    dice = Dice(number)
    return on_all_channels(dice, population(dice, 5, UNTIL)[number], tuple(brand.ACCOUNTS))


def channels_of(name: str) -> list[str]:
    """Where a story can happen: what a channel itself reports does not happen on the website or in the CRM."""
    steps = [step for together in STORIES[name] for step in together if step.when.who == "customer"]
    on_social = any(step.source == "channel" and not step.when.on for step in steps)
    return [channel for channel in brand.ACCOUNTS if not (on_social and channel in {"web", "crm"})]


@pytest.mark.parametrize("name", sorted(STORIES.keys() - {"ignore"}))
def test_every_step_of_every_story_makes_a_valid_event(name: str) -> None:
    made: set[str] = set()
    for channel in channels_of(name):
        year = Year(Certainly(1), UNTIL, limit=100)
        customer, other = (Role(one, contact) for one in map(someone, (1, 2)) if (contact := one.on(channel)))
        began, noticed = UNTIL - YEAR, UNTIL - DAY
        play(year, name, began, noticed, customer=customer, other=other, campaign=brand.CAMPAIGNS[0])
        for event in (event for report in year.reports for event in report):
            made.add(from_dict({"tenant": "demo", "received_at": UNTIL} | event).type)
    assert made >= {step.type for together in STORIES[name] for step in together}


def test_the_tables_name_known_stories_and_channels() -> None:
    chosen = {name for stories in VISITS.values() for name in stories} | REACTIONS.keys() | CASES.keys()
    assert chosen <= STORIES.keys()
    assert VISITS.keys() == brand.ACCOUNTS.keys()
    for case in CASES.values():
        assert all(set(channels) <= brand.ACCOUNTS.keys() for channels in case.roles.values())


@dataclass(frozen=True)
class Cup:
    size: int
    tea: dict[str, str]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("plain", "plain"),
        (5, 5),
        ("{cup.size}", 5),
        ("{cup.size!s}", "5"),
        ("{cup.tea[name]} of {cup.size}", "oolong of 5"),
        ({"a": ["{cup.size}", {"b": "{cup.tea[name]}"}]}, {"a": [5, {"b": "oolong"}]}),
        ({"any": ["{cup.size}"]}, 5),
        (("{cup.size}",), 5),
        ("{choices}", "one"),
    ],
)
def test_gaps_are_filled_with_values_of_their_own_type(template: Any, filled: Any) -> None:
    names = {"cup": Cup(5, {"name": "oolong"}), "choices": ("one",)}
    assert fill(template, names, Dice(1)) == filled


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("{teapot}", {}, Dice(1))
