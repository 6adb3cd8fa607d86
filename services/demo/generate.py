"""The events of the brand's year, as a pure function: equal arguments give equal events with equal ids."""

from dataclasses import dataclass
from random import Random
from typing import Final

from services.demo.arrivals import add_arrival
from services.demo.campaigns import add_campaigns
from services.demo.featured import add_featured_customer
from services.demo.identity_cases import add_identity_cases
from services.demo.people import Contact, population
from services.demo.rare_events import add_rare_events
from services.demo.visits import add_visit
from services.demo.year import CanonicalEvent, Year

EVENTS_PER_PERSON: Final = 8  # with fewer, nothing would happen after the first day
_CAMPAIGN_SHARE: Final = 0.13
_RARE_SHARE: Final = 0.001  # of each rare kind


@dataclass(frozen=True, slots=True)
class GeneratedYear:
    """The events in the order in which they happened, and a contact with something in every part of its profile."""

    events: list[CanonicalEvent]
    featured: Contact


def generate_year(seed: int, people: int, events: int, until_ms: int) -> GeneratedYear:
    """Make exactly ``events`` events of the 365 days before ``until_ms``.

    They are about at most ``people`` people, and at most one person for eight events.
    """
    year = Year(Random(f"{seed}/{people}/{events}/{until_ms}"), until_ms)
    everyone = population(year.rng, max(1, min(people, events // EVENTS_PER_PERSON)), until_ms)
    for one in everyone:
        add_arrival(year, one)
    person, contact = add_featured_customer(year, everyone) or (everyone[0], everyone[0].contacts[0])
    times = max(1, round(events * _RARE_SHARE))
    add_rare_events(year, everyone, times)
    add_identity_cases(year, [one for one in everyone if one is not person], times)
    add_campaigns(year, everyone, budget=round(events * _CAMPAIGN_SHARE))
    weights = [one.weight for one in everyone]
    while len(year.events) < events:
        for one in year.rng.choices(everyone, weights, k=100):
            add_visit(year, one)
    made = sorted(year.events[:events], key=lambda event: (event["occurred_at"], event["event_id"]))
    return GeneratedYear(made, contact)
