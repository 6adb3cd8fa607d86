"""Exports: a file of the customers that a list finds."""

from typing import Final

from starlette.responses import Response

from projections.exports.order import ExportOrder
from services.console.core.list_state import ListState
from services.console.core.words import zone_of
from services.console.http.jobs import by
from services.console.http.pages import PageRoute
from services.console.http.visits import SentFields, Visit, redirect
from services.query.handlers.exports import Exports
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access
from services.runtime.problems import BAD_REQUEST, Problem

_EXPORTING: Final = Access("customers:export", SEARCH_COST)


async def start_export(visit: Visit) -> Response:
    """Have a file made of the customers that a list finds."""
    form = await visit.form()
    exports: Exports = visit.request.app.state.exports
    started = await exports.start(visit.tenant, _order(visit, form), visit.now, by(visit))
    return redirect(f"/console/jobs/{started.job.id}")


def _order(visit: Visit, form: SentFields) -> ExportOrder:
    """The file that a form asks for: in the reader's language and zone, with what Excel needs."""
    try:
        state = ListState.read(form)
        return ExportOrder.model_validate({
            "filter": state.filter(),
            "rows": form.one("rows", "customers"),
            "format": form.one("format", "csv"),
            "bom": form.one("format", "csv") == "csv",
            "header": visit.language,
            "zone": zone_of(visit.signed_in.region).key,
        })  # fmt: skip
    except ValueError:
        raise Problem(BAD_REQUEST, visit.say("The address holds no filter that can be read.")) from None


ROUTES: Final = (PageRoute("/console/exports", start_export, _EXPORTING, "POST"),)
