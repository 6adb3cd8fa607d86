"""Campaigns: one message to many contacts at one time, and the reactions: button presses, questions, blocks."""

from datetime import datetime, timedelta, timezone
from typing import Final

from services.demo import brand
from services.demo.arrivals import block
from services.demo.people import Contact, Person
from services.demo.timing import HOUR, MINUTE, YEAR, chance, time_after
from services.demo.visits import press_button, receive_text
from services.demo.year import Year

_TAIPEI: Final = timezone(timedelta(hours=8))
_SEND_HOUR: Final = 20
_REACHED_ON: Final = ("line", "facebook", "whatsapp")


def add_campaigns(year: Year, people: list[Person], budget: int) -> None:
    """Add every campaign of the year with at most ``budget`` messages in all; the audience grows with the brand."""
    calendar = sorted((_sent_at(campaign, year.until_ms), campaign.name, campaign) for campaign in brand.CAMPAIGNS)
    audiences = [_audience(year, people, at) for at, _, _ in calendar]
    share = budget / max(1, sum(map(len, audiences)))
    for (at, _, campaign), audience in zip(calendar, audiences, strict=True):
        for contact in year.rng.sample(audience, min(len(audience), round(len(audience) * share))):
            _send(year, campaign, contact, at)


def _sent_at(campaign: brand.Campaign, until_ms: int) -> int:
    """The campaign's evening within the year that ends at ``until_ms``."""
    end = datetime.fromtimestamp(until_ms / 1000, _TAIPEI)
    evening = datetime(end.year, campaign.month, campaign.day, _SEND_HOUR, tzinfo=_TAIPEI)
    at = int(evening.timestamp() * 1000)
    # The demo's year always has 365 days, so going back one year subtracts those.
    return at if at <= until_ms - 6 * HOUR else at - YEAR


def _audience(year: Year, people: list[Person], at: int) -> list[Contact]:
    return [
        contact
        for person in people
        if person.joined_at < at
        for contact in person.contacts
        if contact.channel in _REACHED_ON and year.reaches(contact, at, marketing=True)
    ]


def _send(year: Year, campaign: brand.Campaign, contact: Contact, at: int) -> None:
    rng = year.rng
    if not year.reaches(contact, at, marketing=True):
        return
    message = {"purpose": "broadcast", "campaign": campaign.name, "text": campaign.text}
    year.add(at, contact, "team.message_sent", message, "campaigns")
    later = time_after(rng, at, 40 * MINUTE)
    if chance(rng, 9):
        press_button(year, contact, later, f"action=campaign&name={campaign.purpose_tag}")
        tag = {"tag": campaign.purpose_tag, "source": "broadcast", "expires_after": 365}
        year.add(later + 200, contact, "tag.added", tag, "campaigns")
    elif chance(rng, 4):
        receive_text(year, contact, later, brand.CAMPAIGN_QUESTION.format(campaign=campaign.name))
    elif chance(rng, 1.5):
        block(year, contact, later)
