"""Contacts over HTTP: one contact and its timeline."""

from starlette.responses import Response

from services.query.core.models import ContactView, TimelinePage
from services.query.http.parameters import Answering, Asking, At, ContactInPath, Now, TimelinePageQuery
from services.query.http.responses import DATED, PAGED, answer, json_answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/contacts", "read")


# Before the contact itself, whose uid takes the rest of the path; a uid that ends so is sent as `…%2Ftimeline`.
@router.get(
    "/{channel}/{account}/{uid:path}/timeline",
    summary="What happened with a contact",
    response_model=TimelinePage,
    responses=PAGED | DATED,
)
async def read_contact_timeline(
    asking: Asking, reader: Answering, contact: ContactInPath, wanted: TimelinePageQuery, at: At
) -> Response:
    """Every event of the contact, newest first: its conversation and all else.

    It begins with the newest event, or around any other, and leads on to both sides.
    """
    return json_answer(await reader.contact_timeline(asking.tenant, contact, wanted, at))


@router.get(
    "/{channel}/{account}/{uid:path}",
    summary="A contact",
    response_model=ContactView,
    responses=COMMON_PROBLEMS | DATED,
)
async def read_contact(asking: Asking, reader: Answering, contact: ContactInPath, now: Now, at: At) -> Response:
    """One person on one account of a channel, as everything that happened leaves it, or had left it."""
    return answer(await reader.contact(asking.tenant, contact, now, at))
