"""A customer's conversation: bubbles, older and newer pages, and an address for each event."""

from typing import Any, Final

from starlette.responses import Response

from services.console.core.conversation import FILTERS, bubbles, filter_types
from services.console.core.profile_views import display_names
from services.console.http.pages import READING, PageRoute
from services.console.http.profile import CUSTOMERS, address_of, moved, reader_of
from services.console.http.visits import Visit, query_of
from services.query.core import cursors, references
from services.query.core.models import TimelinePage
from services.query.core.timelines import TimelineQuery

_EVENTS: Final = 30  # on a page
_LONGEST_CURSOR: Final = cursors.MOST_CHARACTERS
_LONGEST_EVENT_ID: Final = 255


async def show_conversation(visit: Visit) -> Response:
    """A page of the conversation; a part of it where the page before asks for more."""
    query = query_of(visit.request)
    name = visit.request.path_params["customer"]
    found = await reader_of(visit).customer(visit.tenant, name, visit.now)
    if (elsewhere := moved(visit, found.id)) is not None:
        return elsewhere
    cursor, event_id = query.one("cursor"), query.one("event")[:_LONGEST_EVENT_ID]
    shown, types = filter_types(query.one("show") or ("all" if event_id else ""))
    contact = query.one("contact")
    page = await _page(visit, str(found.id), contact, _wanted(cursor, event_id, types))
    values: dict[str, Any] = {
        "customer": found,
        "names": visit.names,
        "contact_names": display_names(found.contacts),
        "contact": contact,
        "bubbles": bubbles(page.events, visit.names),
        "event_id": event_id,
        "shown": shown,
        "filters": tuple(FILTERS),
        "older": page.next,
        "newer": page.previous,
        "address_of": address_of,
    }
    part = query.one("part")
    if part in {"older", "newer", "live"}:
        return visit.page("profile/more.html", direction=part, **values)
    return visit.page("profile/conversation.html", **values)


def _wanted(cursor: str, event_id: str, types: tuple[str, ...]) -> TimelineQuery:
    if cursor:
        return TimelineQuery(_EVENTS, types or None, *cursors.read_either(cursor[:_LONGEST_CURSOR]))
    return TimelineQuery(_EVENTS, types or None, around=event_id or None)


async def _page(visit: Visit, customer: str, contact: str, wanted: TimelineQuery) -> TimelinePage:
    """Events of one contact, or of the whole customer where none is named."""
    reader = reader_of(visit)
    if not contact:
        return TimelinePage.model_validate_json(await reader.customer_timeline(visit.tenant, customer, wanted))
    named = references.one_contact(contact)
    if isinstance(named, references.ByPersonalId):
        return TimelinePage.model_validate_json(await reader.customer_timeline(visit.tenant, customer, wanted))
    return TimelinePage.model_validate_json(await reader.contact_timeline(visit.tenant, named.contact, wanted))


ROUTES: Final = (PageRoute(f"{CUSTOMERS}/{{customer}}/conversation", show_conversation, READING),)
