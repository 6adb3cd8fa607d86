"""Saving the filter of a list as a segment."""

from typing import Final

from starlette.responses import Response

from services.console.http.commands import ingress_of, json_of, settle, who
from services.console.http.customers import state_of
from services.console.http.pages import PageRoute
from services.console.http.visits import Visit, redirect
from services.ingress.core.events import Rejected
from services.ingress.core.statements import Receipt
from services.ingress.handlers.saved_segments import take_segment
from services.ingress.http.context import checked_context, log_problem
from services.ingress.http.saved_segments import NO_SEGMENT
from services.ingress.ports import LogUnavailable
from services.runtime.api import Access


async def save_segment(visit: Visit) -> Response:
    """Append that the filter was saved, and show the segments once they have it. Sent twice, it is one segment."""
    form = await visit.form()
    state = state_of(visit, form)
    ingress = ingress_of(visit)
    body = json_of({"name": form.one("name").strip(), "filter": state.filter(), "by": who(visit)})
    segment = f"s-{form.one('request')[:32]}"
    try:
        context = await checked_context(ingress, visit.principal)
        outcome = await take_segment(segment, body, context, ingress.log, ingress.segments)
    except LogUnavailable as error:
        raise log_problem(error) from error
    await settle(visit, outcome if isinstance(outcome, Rejected) else Receipt.of(0, [outcome.event]), NO_SEGMENT)
    return redirect("/console/segments")


ROUTES: Final = (PageRoute("/console/segments", save_segment, Access("customers:write"), "POST", role="marketer"),)
