"""The page of one customer: now, or as of a day in the past."""

from datetime import date, datetime, time
from functools import lru_cache
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.engine.zones import zone_of
from services.console.core.profile_views import attribute_rows, chosen_contact, display_names, initial, may_unsubscribe
from services.console.http.pages import READING, PageRoute
from services.console.http.surroundings import surroundings_of
from services.console.http.together import together
from services.console.http.visits import Visit, query_of
from services.query.core.errors import NotFound
from services.query.core.models import CustomerView
from services.query.handlers.reader import CustomerReader
from services.runtime.problems import INVALID_REQUEST, Problem

CUSTOMERS: Final = "/console/customers"


def reader_of(visit: Visit) -> CustomerReader:
    """What answers questions about customers."""
    reader: CustomerReader = visit.request.app.state.reader
    return reader


def address_of(customer: object, page: str = "", **query: str | None) -> str:
    """The address of a customer's page; parameters that are None or empty are left out."""
    given = "&".join(f"{name}={_quoted(value)}" for name, value in query.items() if value)
    path = f"{CUSTOMERS}/{_quoted(str(customer))}{page}"
    return f"{path}?{given}" if given else path


@lru_cache(maxsize=4096)  # a page names its customer and contacts again and again
def _quoted(text: str) -> str:
    return quote(text, safe="")


def moved(visit: Visit, found: object) -> Response | None:
    """A redirect to the customer's address of today, if it was asked for by another of its names."""
    name = visit.request.path_params["customer"]
    if name == str(found):
        return None
    page = visit.request.url.path.partition(f"{CUSTOMERS}/")[2].partition("/")[2]
    query = visit.request.url.query
    address = address_of(found, f"/{page}" if page else "")
    return RedirectResponse(f"{address}?{query}" if query else address, 302)


def day_of(visit: Visit) -> date | None:
    """The day that the page shows, None for today. Raises a 422 problem."""
    text = query_of(visit.request).one("as_of")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(INVALID_REQUEST, visit.say("This is no date. Write it as in 2026-03-01.")) from None


def end_of(day: date | None, zone: ZoneInfo) -> Cutoff:
    """The last moment of a day in the tenant's zone."""
    if day is None:
        return NO_CUTOFF
    return Cutoff(int(datetime.combine(day, time.max, zone).timestamp() * 1000))


async def show_profile(visit: Visit) -> Response:
    """A customer: basics, attributes, tags, and a tab for each of its contacts."""
    name, query = visit.request.path_params["customer"], query_of(visit.request)
    day, zone = day_of(visit), zone_of(visit.signed_in.region)
    surroundings = surroundings_of(visit)
    try:
        found, definitions = await together(
            reader_of(visit).customer(visit.tenant, name, visit.now, end_of(day, zone)),
            surroundings.attributes(visit.tenant),
        )
    except NotFound:
        if day is None:
            raise
        return await _not_yet(visit, name, day, zone)
    if (elsewhere := moved(visit, found.id)) is not None and day is None:
        return elsewhere
    contact = chosen_contact(found.contacts, query.one("contact"))
    return visit.page(
        "profile/page.html",
        customer=found,
        names=visit.names,
        contact=contact,
        contact_names=display_names(found.contacts),
        attributes=attribute_rows(found, definitions, visit.words, visit.names),
        initial=initial(found.name or found.member_id),
        may_unsubscribe=contact is not None and day is None and may_unsubscribe(contact),
        address_of=address_of,
        day=day,
        days=_days(found, visit.now, zone),
        done=query.one("done"),
    )


async def _not_yet(visit: Visit, name: str, day: date, zone: ZoneInfo) -> Response:
    """What is shown for a day before the customer was known. Raises NotFound for one that nobody knows today."""
    found = await reader_of(visit).customer(visit.tenant, name, visit.now)
    first, _ = _days(found, visit.now, zone)
    return visit.page("profile/not_yet.html", 404, customer=found, day=day, first=first, address_of=address_of)


async def show_day(visit: Visit) -> Response:
    """Go to the customer as of the day that the slider chose."""
    query = query_of(visit.request)
    first, number = query.one("first"), query.one("day")
    try:
        day = date.fromordinal(date.fromisoformat(first).toordinal() + int(number))
    except (ValueError, OverflowError):
        raise Problem(INVALID_REQUEST, visit.say("This is no date. Write it as in 2026-03-01.")) from None
    today = datetime.fromtimestamp(visit.now / 1000, zone_of(visit.signed_in.region)).date()
    as_of = None if day >= today else day.isoformat()
    address = address_of(visit.request.path_params["customer"], as_of=as_of, contact=query.one("contact"))
    return RedirectResponse(address, 303)


def _days(found: CustomerView, now: int, zone: ZoneInfo) -> tuple[date, date]:
    """The first day that is known of the customer, and today."""
    first, today = (datetime.fromtimestamp(at / 1000, zone).date() for at in (found.first_seen_at, now))
    return first, today


ROUTES: Final = (
    PageRoute(f"{CUSTOMERS}/{{customer}}", show_profile, READING),
    PageRoute(f"{CUSTOMERS}/{{customer}}/day", show_day, READING),
)
