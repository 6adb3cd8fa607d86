"""The read API over HTTP: names and numbers in, a question to the reader, its answer out as JSON."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from schemas.events import ContactRef
from services.control.auth import Principal, require
from services.query.core import cursors, references
from services.query.core.errors import Ambiguous, BadCursor, NotFound
from services.query.core.models import Contact, Customer, CustomerContacts, TimelinePage
from services.query.handlers import Reader, Wanted
from services.query.ports import ReadModelsAway
from services.runtime import problems
from services.runtime.http import EncodedPath
from services.runtime.problems import Kind, Problem, document

_AMBIGUOUS: Final = Kind("several-customers", "Several customers hold this value", 409)
_BAD_CURSOR: Final = Kind("bad-cursor", "This cursor was never given out", 400)
_MOST_EVENTS: Final = 200
_MOST_TYPES: Final = 50
_NEVER_STORED: Final = {"Cache-Control": "no-store"}  # it is about people


class EncodedPathRoute(EncodedPath, APIRoute):
    """One of FastAPI's routes whose parameters may hold slashes, sent as ``%2F``."""


def problems_of(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """What a route may answer instead, for its description."""
    return {
        kind.status: {
            "description": kind.title,
            "content": {problems.MEDIA_TYPE: {"schema": _PROBLEM, "example": document(kind)}},
        }
        for kind in kinds
    }


_PROBLEM: Final = {
    "title": "Problem",
    "description": "RFC 9457. `type` tells one sort of problem from another.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
ALWAYS: Final = problems_of(
    problems.UNAUTHENTICATED, problems.FORBIDDEN, problems.NOT_FOUND, problems.INVALID_REQUEST, problems.UNAVAILABLE
)
PAGED: Final = ALWAYS | problems_of(_BAD_CURSOR)
BY_ANY_NAME: Final = ALWAYS | problems_of(_AMBIGUOUS)
BEARER: Final = HTTPBearer(auto_error=False, description="an API key with the scope `customers:read`")  # described only

router = APIRouter(
    prefix="/v1",
    tags=["read"],
    route_class=EncodedPathRoute,
    redirect_slashes=False,
    dependencies=[Depends(BEARER)],
    generate_unique_id_function=lambda route: route.name,
)


# Dependencies are coroutines, though they wait for nothing: others would each be sent to a thread and back.
async def now() -> int:
    """The clock's time, in ms; what a page shows depends on it."""
    return time.time_ns() // 1_000_000


async def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.reader
    return reader


async def _contact(
    channel: Annotated[str, Path(examples=["line"])],
    account: Annotated[str, Path(examples=["oa-taipei"])],
    uid: Annotated[str, Path(description="percent-encoded: a slash is `%2F`", examples=["Uc0ffee"])],
) -> ContactRef:
    return references.contact(channel, account, uid)


async def _wanted(
    limit: Annotated[int, Query(ge=1, le=_MOST_EVENTS, description="most events on the page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_CHARACTERS, description="`next` of the page before")
    ] = None,
    types: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]] | None,
        Query(alias="type", max_length=_MOST_TYPES, description="only events of these types; may be repeated"),
    ] = None,
) -> Wanted:
    return Wanted(limit, types, cursors.read(cursor)) if cursor is not None else Wanted(limit, types)


Asking = Annotated[Principal, Depends(require("customers:read"))]
Answering = Annotated[Reader, Depends(_reader)]
Now = Annotated[int, Depends(now)]
CustomerName = Annotated[
    str,
    Path(
        description="any id ever given for the customer or a contact of it, or `contact:channel:account:uid`, "
        "`member:…`, `phone:…` or `email:…`, percent-encoded: a slash is `%2F`. A value that several customers hold, "
        "since it does not tie them together, is answered with 409 and the `candidates`",
        examples=["contact:line:oa-taipei:Uc0ffee"],
    ),
]
Page = Annotated[Wanted, Depends(_wanted)]


# Before the contact itself, whose uid takes the rest of the path; a uid that ends so is sent as `…%2Ftimeline`.
@router.get(
    "/contacts/{channel}/{account}/{uid:path}/timeline",
    summary="What happened with a contact",
    response_model=TimelinePage,
    responses=PAGED,
)
async def read_contact_timeline(
    asking: Asking, reader: Answering, contact: Annotated[ContactRef, Depends(_contact)], wanted: Page
) -> Response:
    """Every event of the contact, newest first: its conversation and all else."""
    return _json(await reader.contact_timeline(asking.tenant, contact, wanted))


@router.get("/contacts/{channel}/{account}/{uid:path}", summary="A contact", response_model=Contact, responses=ALWAYS)
async def read_contact(
    asking: Asking, reader: Answering, contact: Annotated[ContactRef, Depends(_contact)], at: Now
) -> Response:
    """One person on one account of a channel, as everything that happened leaves it."""
    return answer(await reader.contact(asking.tenant, contact, at))


@router.get("/customers/{customer}", summary="A customer", response_model=Customer, responses=BY_ANY_NAME)
async def read_customer(asking: Asking, reader: Answering, customer: CustomerName, at: Now) -> Response:
    """An Omni-customer: the contacts that are one person, and what they add up to."""
    return answer(await reader.customer(asking.tenant, customer, at))


@router.get(
    "/customers/{customer}/contacts",
    summary="A customer's contacts",
    response_model=CustomerContacts,
    responses=BY_ANY_NAME,
)
async def read_customer_contacts(asking: Asking, reader: Answering, customer: CustomerName, at: Now) -> Response:
    """The contacts that are this customer, in the order of their keys."""
    return answer(await reader.contacts(asking.tenant, customer, at))


@router.get(
    "/customers/{customer}/timeline",
    summary="What happened with a customer",
    response_model=TimelinePage,
    responses=PAGED | BY_ANY_NAME,
)
async def read_customer_timeline(asking: Asking, reader: Answering, customer: CustomerName, wanted: Page) -> Response:
    """Every event of all the customer's contacts, merged, newest first."""
    return _json(await reader.customer_timeline(asking.tenant, customer, wanted))


def _which(error: Exception) -> Problem:
    candidates = [str(one) for one in getattr(error, "candidates", ())]
    return Problem(_AMBIGUOUS, str(error), candidates=candidates)


def add_error_handlers(app: FastAPI) -> None:
    """Have the app answer what can't be answered with a problem document."""
    for error, tell in _TOLD.items():
        app.add_exception_handler(error, _teller(tell))


_TOLD: Final[dict[type[Exception], Callable[[Exception], Problem]]] = {
    NotFound: lambda error: Problem(problems.NOT_FOUND, str(error)),
    Ambiguous: _which,
    BadCursor: lambda error: Problem(_BAD_CURSOR, str(error)),
    ReadModelsAway: lambda _: problems.unavailable("PostgreSQL"),
}


def _teller(tell: Callable[[Exception], Problem]) -> Callable[[Request, Exception], Response]:
    def told(_: Request, error: Exception) -> Response:
        return problems.problem_response(tell(error))

    return told


def answer(shape: BaseModel) -> Response:
    """The shape as JSON."""
    return _json(shape.model_dump_json(by_alias=True).encode())


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=_NEVER_STORED)
