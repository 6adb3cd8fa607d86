"""Exports: a file of the customers that a list finds, with its number of rows first."""

from typing import Any, Final, get_args

from pydantic import ValidationError
from starlette.responses import Response

from projections.customers.search.costs import TooDear
from projections.customers.search.rewriting import Unsearchable
from projections.engine.zones import zone_of
from projections.exports.headings import heading
from projections.exports.order import OF_CONTACTS, ColumnName, ExportOrder
from services.console.core.list_state import ListState
from services.console.http.customers import cannot_search, state_of
from services.console.http.jobs import by
from services.console.http.pages import PageRoute
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.query.core.export_models import ExportPreview
from services.query.handlers.exports import Exports, NoRoomInExcel, TooManyAttributes
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access
from services.runtime.problems import BAD_REQUEST, Problem

NEW: Final = "/console/exports/new"
_EXPORTING: Final = Access("customers:export", SEARCH_COST)
_COLUMNS: Final[tuple[ColumnName, ...]] = get_args(ColumnName)
_FOR_EXCEL: Final = frozenset({"xlsx", "csv-bom"})  # the choices that Excel opens as they are


async def new_export(visit: Visit) -> Response:
    """The form, and how many rows the file that it asks for has. Nothing is made yet."""
    fields = query_of(visit.request)
    return await _page(visit, fields)


async def count_export(visit: Visit) -> Response:
    """How many rows the form asks for."""
    fields = query_of(visit.request)
    preview, problem = await _counted(visit, _order(visit, state_of(visit, fields), fields))
    return visit.page("exports/count.html", preview=preview, problem=problem)


async def start_export(visit: Visit) -> Response:
    """Have a file made of the customers that a list finds."""
    form = await visit.form()
    order = _order(visit, state_of(visit, form), form)
    try:
        started = await _exports(visit).start(visit.tenant, order, visit.now, by(visit))
    except (TooDear, Unsearchable, NoRoomInExcel, TooManyAttributes):
        return await _page(visit, form)
    return redirect(f"/console/jobs/{started.job.id}")


async def _page(visit: Visit, fields: SentFields) -> Response:
    state = state_of(visit, fields)
    order = _order(visit, state, fields)
    preview, problem = await _counted(visit, order)
    titles = [(name, heading(name, visit.language)) for name in _COLUMNS]
    return visit.page(
        "exports/new.html",
        422 if problem else 200,
        state=state,
        order=order,
        columns=[one for one in titles if one[0] not in OF_CONTACTS],
        of_contacts=[one for one in titles if one[0] in OF_CONTACTS],
        form_of_file=_format(fields),
        preview=preview,
        problem=problem,
    )


async def _counted(visit: Visit, order: ExportOrder) -> tuple[ExportPreview | None, str | None]:
    """The number of rows, or why there is none."""
    try:
        return await _exports(visit).preview(visit.tenant, order, visit.now), None
    except NoRoomInExcel:
        return None, visit.say("A sheet of Excel has no room for so many rows. Choose CSV, or fewer customers.")
    except TooManyAttributes:
        return None, visit.say("There are more attributes than a file has columns. Leave them out.")
    except (TooDear, Unsearchable) as error:
        return None, cannot_search(visit, error)


def _format(fields: SentFields) -> str:
    return fields.one("format") if fields.one("format") in {*_FOR_EXCEL, "csv"} else "csv-bom"


def _order(visit: Visit, state: ListState, fields: SentFields) -> ExportOrder:
    """The file that a form asks for: in the reader's language and zone. Raises a 400 problem."""
    rows, form = fields.one("rows", "customers"), _format(fields)
    wanted = [name for name in _COLUMNS if name in fields.all("column")]
    columns = [name for name in wanted if rows == "contacts" or name not in OF_CONTACTS]
    order: dict[str, Any] = {
        "filter": state.filter(),
        "rows": rows,
        "attributes": "all" if fields.one("attributes") else [],
        "format": "xlsx" if form == "xlsx" else "csv",
        "bom": form == "csv-bom",
        "header": visit.language,
        "zone": zone_of(visit.signed_in.region).key,
    }
    try:
        return ExportOrder.model_validate(order | ({"columns": columns} if columns else {}))
    except ValidationError:
        raise Problem(BAD_REQUEST, visit.say("The address holds no filter that can be read.")) from None


def _exports(visit: Visit) -> Exports:
    exports: Exports = visit.request.app.state.exports
    return exports


ROUTES: Final = (
    PageRoute(NEW, new_export, _EXPORTING),
    PageRoute("/console/exports/count", count_export, _EXPORTING),
    PageRoute("/console/exports", start_export, _EXPORTING, "POST"),
)
