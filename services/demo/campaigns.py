"""Campaigns: one message to many within minutes, and what comes back: taps, answers, and blocks."""

from datetime import datetime, timedelta, timezone
from typing import Final

from services.demo import brand
from services.demo.arrivals import block
from services.demo.chance import chance
from services.demo.diary import Diary
from services.demo.people import Contact, Person
from services.demo.rhythm import HOUR, MINUTE, YEAR, soon
from services.demo.sessions import tap, write

_TAIPEI: Final = timezone(timedelta(hours=8))
_SENT_AT: Final = 20  # in the evening, when people look at their phones
_REACHED_ON: Final = ("line", "facebook", "whatsapp")


def run_campaigns(diary: Diary, people: list[Person], budget: int) -> None:
    """Every campaign of the year, as long as the budget of events lasts; the audience grows with the brand."""
    calendar = sorted((sent_at(campaign, diary.until_ms), campaign.name, campaign) for campaign in brand.CAMPAIGNS)
    audiences = [_audience(diary, people, at) for at, _, _ in calendar]
    share = budget / max(1, sum(map(len, audiences)))
    for (at, _, campaign), audience in zip(calendar, audiences, strict=True):
        chosen = diary.rng.sample(audience, min(len(audience), round(len(audience) * share)))
        for contact in chosen:
            _send(diary, campaign, contact, at)


def sent_at(campaign: brand.Campaign, until_ms: int) -> int:
    """The campaign's evening within the year that ends at ``until_ms``."""
    end = datetime.fromtimestamp(until_ms / 1000, _TAIPEI)
    evening = datetime(end.year, campaign.month, campaign.day, _SENT_AT, tzinfo=_TAIPEI)
    at = int(evening.timestamp() * 1000)
    # A calendar year may have 366 days and the demo's never has, so going back means the demo's.
    return at if at <= until_ms - 6 * HOUR else at - YEAR


def _audience(diary: Diary, people: list[Person], at: int) -> list[Contact]:
    """Those who had come by then, are reached, and have not opted out."""
    return [
        contact
        for person in people
        if person.joined_at < at
        for contact in person.contacts
        if contact.channel in _REACHED_ON and diary.reaches(contact, at, marketing=True)
    ]


def _send(diary: Diary, campaign: brand.Campaign, contact: Contact, at: int) -> None:
    rng = diary.rng
    if not diary.reaches(contact, at, marketing=True):
        return
    message = {"purpose": "broadcast", "campaign": campaign.name, "text": campaign.text}
    diary.note(at, contact, "team.message_sent", message, "campaigns")
    answer = soon(rng, at, 40 * MINUTE)
    if chance(rng, 9):
        tap(diary, contact, answer, f"action=campaign&name={campaign.purpose_tag}")
        tag = {"tag": campaign.purpose_tag, "source": "broadcast", "expires_after": 365}
        diary.note(answer + 200, contact, "tag.added", tag, "campaigns")
    elif chance(rng, 4):
        write(diary, contact, answer, brand.CAMPAIGN_QUESTION.format(campaign=campaign.name))
    elif chance(rng, 1.5):
        block(diary, contact, answer)
