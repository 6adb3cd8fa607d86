"""Meta's requests to have a person's data deleted: whom one is about, and the three answers to it."""

from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.responses import Response

from services.console.core.job_views import ERASURES
from services.console.http.erasures import deletions_of
from services.console.http.pages import PageRoute
from services.console.http.profile import CUSTOMERS, address_of, reader_of
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.query.core.errors import Ambiguous, NotFound
from services.runtime.api import Access

PATH: Final = f"{ERASURES}/requests/{{code}}"
_ANSWERING: Final = Access("customers:erase")
_LONGEST_NAME: Final = 400
_LONGEST_REASON: Final = 500


async def show_request(visit: Visit) -> Response:
    """Whom a request is about, as far as Meta says, and the forms that answer it."""
    return await _page(visit, query_of(visit.request))


async def find_person(visit: Visit) -> Response:
    """Go on to the form that erases the customer, which then answers the request."""
    fields = query_of(visit.request)
    code = visit.request.path_params["code"]
    await deletions_of(visit).request(visit.tenant, code)
    try:
        found = await reader_of(visit).customer(visit.tenant, _name_in(fields.one("customer")), visit.now)
    except (NotFound, Ambiguous):
        problem = visit.say(
            "No single customer has this name. Look for the customer in the list, and copy its address."
        )
        return await _page(visit, fields, 404, problem)
    return redirect(address_of(found.id, "/erase", request=code))


async def close_request(visit: Visit) -> Response:
    """Say that there are no data of the person, or why they are not deleted. The person reads it."""
    form = await visit.form()
    refused, reason = form.one("outcome") == "refused", form.one("reason").strip()[:_LONGEST_REASON]
    if refused and not reason:
        return await _page(visit, form, 422, visit.say("Say why, as the person shall read it."))
    code = visit.request.path_params["code"]
    await deletions_of(visit).close(visit.tenant, code, refused_because=reason if refused else None)
    return redirect(f"{ERASURES}/requests/{code}")


async def _page(visit: Visit, fields: SentFields, status: int = 200, problem: str | None = None) -> Response:
    found = await deletions_of(visit).request(visit.tenant, visit.request.path_params["code"])
    return visit.page(
        "erasures/request.html",
        status,
        one=found.request,
        subject=found.subject,
        answered=found.answered,
        customer=fields.one("customer")[:_LONGEST_NAME],
        reason=fields.one("reason")[:_LONGEST_REASON],
        problem=problem,
        path=ERASURES,
    )


def _name_in(text: str) -> str:
    """The customer's name: what was typed, or the last part of an address of its pages that was pasted."""
    typed = text.strip()[:_LONGEST_NAME]
    path = urlsplit(typed).path if typed.startswith(("http://", "https://")) else typed
    return unquote(path.partition(f"{CUSTOMERS}/")[2].partition("/")[0]) if f"{CUSTOMERS}/" in path else typed


ROUTES: Final = (
    PageRoute(PATH, show_request, _ANSWERING),
    PageRoute(f"{PATH}/customer", find_person, _ANSWERING),
    PageRoute(PATH, close_request, _ANSWERING, "POST"),
)
