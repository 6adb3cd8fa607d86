"""Erasing a person: who would be erased, the typed confirmation, how far it is, and the receipts.

An erasure may answer a request of Meta, which the address names by its code (`deletions`).
"""

from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from services.console.core import erasure_words
from services.console.core.job_views import ERASURES as PATH
from services.console.core.profile_views import display_names
from services.console.http.jobs import by, job_id, shown
from services.console.http.pages import PageRoute
from services.console.http.profile import CUSTOMERS, address_of, reader_of
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.control.erasures import retry_erasure
from services.control.errors import JobFinished, TooManyJobs, UnknownDeletion
from services.control.jobs import find_job
from services.query.core import references
from services.query.core.erasure_models import ErasureStart, ErasureView
from services.query.core.models import CustomerView
from services.query.handlers.bulk_actions import PreviewOutdated
from services.query.handlers.deletion_requests import DeletionRequests
from services.query.handlers.erasures import ErasureRequests
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, TOO_MANY_JOBS, Problem

_ERASING: Final = Access("customers:erase", SEARCH_COST)
_READING: Final = Access("customers:erase")
_PAGE: Final = 50
_MOST_NAMED: Final = 50  # contacts that the form names one by one


async def ask_erasure(visit: Visit) -> Response:
    """Who would be erased, and the form that has to be confirmed. Nothing is done yet."""
    return await _form(visit, query_of(visit.request))


async def erase(visit: Visit) -> Response:
    """Have a worker erase what the form showed, once it was confirmed by typing."""
    form = await visit.form()
    found = await _customer(visit)
    if not erasure_words.confirms(form.one("confirmation"), found):
        problem = visit.say("Type what stands above the field, so that nobody is erased by mistake.")
        return await _form(visit, form, 422, problem)
    meant = _meant(found, form.one("contact"))
    try:
        order = ErasureStart(token=form.one("token")[:128], deletion=form.one("request")[:64] or None)
        started = await _erasures(visit).start(visit.tenant, meant, order, by(visit))
    except PreviewOutdated:
        problem = visit.say("The customer has other contacts by now. Look at them again before you go on.")
        return await _form(visit, form, 409, problem)
    except UnknownDeletion:
        return await _form(visit, form, 409, visit.say("The request is closed already."))
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    return redirect(f"{PATH}/{started.id}")


async def all_erasures(visit: Visit) -> Response:
    """The erasures, the newest first. They have no personal data."""
    cursor = query_of(visit.request).one("cursor")
    page = await _erasures(visit).page(visit.tenant, _PAGE, job_id(cursor) if cursor else None)
    requests = [] if cursor else await deletions_of(visit).open_ones(visit.tenant)
    return visit.page("erasures/list.html", page=page, cursor=cursor, path=PATH, requests=requests)


async def show_erasure(visit: Visit) -> Response:
    """How far an erasure is, and its receipt; for a page that asks again and again, only how far."""
    found = await _erasure(visit)
    job = shown(visit, await find_job(visit.request.app.state.console_engine, found.job, visit.tenant))
    if visit.request.headers.get("hx-request"):
        response = visit.page("erasures/progress.html", found=found, job=job, path=PATH)
        if found.receipt is not None or not job.unfinished:
            response.headers["HX-Refresh"] = "true"
        return response
    receipt = found.receipt
    return visit.page(
        "erasures/erasure.html",
        found=found,
        job=job,
        path=PATH,
        removed=[] if receipt is None else erasure_words.removed_rows(receipt.removed, visit.say),
        remains=[] if receipt is None else erasure_words.remains_rows(receipt.remains, visit.say),
    )


async def receipt_file(visit: Visit) -> Response:
    """The receipt with its signature, as a file to keep."""
    found = await _erasure(visit)
    if found.receipt is None:
        raise Problem(NOT_FOUND)
    body = found.model_dump_json(include={"receipt", "signature", "public_key"}, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="erasure-{found.id}.json"'}
    return Response(body, media_type="application/json", headers=headers)


async def try_again(visit: Visit) -> Response:
    """Go on with an erasure whose job has failed."""
    await visit.form()
    found = await _erasure(visit)
    try:
        await retry_erasure(visit.request.app.state.console_engine, found.id)
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    except JobFinished:  # somebody was faster: its page shows how far it is
        pass
    return redirect(f"{PATH}/{found.id}")


async def _form(visit: Visit, fields: SentFields, status: int = 200, problem: str | None = None) -> Response:
    found = await _customer(visit)
    key = fields.one("contact")
    preview = await _erasures(visit).preview(visit.tenant, _meant(found, key))
    return visit.page(
        "erasures/new.html",
        status,
        customer=found,
        contact=key,
        contacts=preview.contacts[:_MOST_NAMED],
        more=max(0, len(preview.contacts) - _MOST_NAMED),
        number=len(preview.contacts),
        events=preview.events,
        token=preview.token,
        request=fields.one("request")[:64],
        confirmation=erasure_words.confirmation(found),
        typed=fields.one("confirmation")[:255],
        problem=problem,
        names=visit.names,
        contact_names=display_names(found.contacts),
        address_of=address_of,
    )


def _meant(found: CustomerView, key: str) -> Any:
    """The customer, or the one contact of it that has the key. Raises a 404 problem for a contact of nobody."""
    if not key:
        return str(found.id)
    if key not in {one.contact for one in found.contacts}:
        raise Problem(NOT_FOUND)
    return references.contact(*key.split(":", 2))


async def _customer(visit: Visit) -> CustomerView:
    return await reader_of(visit).customer(visit.tenant, visit.request.path_params["customer"], visit.now)


async def _erasure(visit: Visit) -> ErasureView:
    wanted: UUID = job_id(visit.request.path_params["erasure"])
    return await _erasures(visit).erasure(visit.tenant, wanted)


def deletions_of(visit: Visit) -> DeletionRequests:
    """Meta's requests to have people's data deleted."""
    found: DeletionRequests = visit.request.app.state.deletions
    return found


def _erasures(visit: Visit) -> ErasureRequests:
    erasures: ErasureRequests = visit.request.app.state.erasures
    return erasures


_ONE: Final = f"{PATH}/{{erasure}}"
ROUTES: Final = (
    PageRoute(f"{CUSTOMERS}/{{customer}}/erase", ask_erasure, _ERASING),
    PageRoute(f"{CUSTOMERS}/{{customer}}/erase", erase, _ERASING, "POST"),
    PageRoute(PATH, all_erasures, _READING),
    PageRoute(_ONE, show_erasure, _READING),
    PageRoute(f"{_ONE}/receipt", receipt_file, _READING),
    PageRoute(f"{_ONE}/retry", try_again, _ERASING, "POST"),
)
