"""Contacts over HTTP: one contact and its timeline."""

from starlette.responses import Response

from services.query.core.models import ContactView, TimelinePage
from services.query.http.parameters import Answering, Asking, ContactInPath, Now, TimelinePageQuery
from services.query.http.responses import PAGED, answer, json_answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/contacts", "read")


# Before the contact itself, whose uid takes the rest of the path; a uid that ends so is sent as `…%2Ftimeline`.
@router.get(
    "/{channel}/{account}/{uid:path}/timeline",
    summary="What happened with a contact",
    response_model=TimelinePage,
    responses=PAGED,
)
async def read_contact_timeline(
    asking: Asking, reader: Answering, contact: ContactInPath, wanted: TimelinePageQuery
) -> Response:
    """Every event of the contact, newest first: its conversation and all else."""
    return json_answer(await reader.contact_timeline(asking.tenant, contact, wanted))


@router.get(
    "/{channel}/{account}/{uid:path}", summary="A contact", response_model=ContactView, responses=COMMON_PROBLEMS
)
async def read_contact(asking: Asking, reader: Answering, contact: ContactInPath, at: Now) -> Response:
    """One person on one account of a channel, as everything that happened leaves it."""
    return answer(await reader.contact(asking.tenant, contact, at))
