"""Ties of contacts, written briefly, for the pages that explain a customer."""

from typing import Any, Final
from uuid import UUID

from services.query.core.identity_models import CustomerLinks, EvidenceEvent, GraphContact, Tie

A_DAY: Final = 86_400_000
BEGINNING: Final = 1_735_660_800_000
NOBODY: Final = UUID(int=1)


def a_tie(contact: str, type_name: str, value: str, day: int = 0, **more: Any) -> Tie:
    """An accepted tie of tier 2, stated on a day; ``reason`` makes it a refused one."""
    at = BEGINNING + day * A_DAY
    refused = "reason" in more
    fields: dict[str, Any] = {
        "session": None,
        "value_session": None,
        "tier": 2,
        "status": "refused" if refused else "accepted",
        "reason": None,
        "detail": [],
        "events": [EvidenceEvent(event_id=f"e{day}", at=at, first_at=at, says="verified")],
    }
    return Tie(contact=contact, type=type_name, value=value, **fields | more)


def links(*ties: Tie) -> CustomerLinks:
    """A customer with these ties."""
    contacts = sorted({one.contact for one in ties})
    return CustomerLinks(
        id=NOBODY,
        founder=None,
        member_id=None,
        member_ids=[],
        contacts=[GraphContact(contact=one, session=None, id=NOBODY, by_claim=False) for one in contacts],
        accepted=[one for one in ties if one.status == "accepted"],
        refused=[one for one in ties if one.status == "refused"],
        not_linked=[one for one in ties if one.status == "set_aside"],
        set_aside=[],
        next=None,
    )
