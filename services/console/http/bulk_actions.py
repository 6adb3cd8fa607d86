"""Changes of all customers that a list finds: first what would happen, then a job that does it and can be undone."""

from typing import Any, Final, get_args

from pydantic import ValidationError
from starlette.responses import Response

from projections.bulk_actions.order import BulkOrder
from projections.customers.search.costs import TooDear
from projections.customers.search.rewriting import Unsearchable
from schemas.events.subscription import MarketingKind
from services.console.core.list_state import ListState
from services.console.http.commands import who
from services.console.http.customers import cannot_search, state_of
from services.console.http.pages import PageRoute
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.query.core.bulk_models import BulkPreview, BulkStart
from services.query.handlers.bulk_actions import BulkActions, PreviewOutdated
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access

PATH: Final = "/console/bulk-actions"
_CHANGING: Final = Access("customers:write", SEARCH_COST)
_KINDS: Final[tuple[str, ...]] = get_args(MarketingKind)


async def preview(visit: Visit) -> Response:
    """The form, and what the action that it asks for would do. Nothing is done yet."""
    fields = query_of(visit.request)
    return await _page(visit, state_of(visit, fields), fields)


async def start(visit: Visit) -> Response:
    """Have a worker do what the preview showed, and show how far it is."""
    form = await visit.form()
    state = state_of(visit, form)
    try:
        wanted = BulkStart.model_validate(_order(state, form) | {"token": form.one("token")})
        started = await _actions(visit).start(visit.tenant, wanted, visit.now, who(visit))
    except PreviewOutdated:
        problem = visit.say("Other customers match by now. Look at the numbers again before you go on.")
        return await _page(visit, state, form, problem, 409)
    except ValidationError:
        return await _page(visit, state, form)
    return redirect(f"/console/jobs/{started.job.id}")


async def _page(
    visit: Visit, state: ListState, fields: SentFields, problem: str | None = None, status: int = 200
) -> Response:
    found: BulkPreview | None = None
    if fields.one("do"):
        try:
            order = BulkOrder.model_validate(_order(state, fields))
            found = await _actions(visit).preview(visit.tenant, order, visit.now)
        except ValidationError:
            problem, status = visit.say("Fill in what should change, then look again."), 422
        except (TooDear, Unsearchable) as error:
            problem, status = cannot_search(visit, error), 422
    return visit.page(
        "customers/bulk.html",
        status,
        state=state,
        do=fields.one("do"),
        tag=fields.one("tag"),
        kinds=_kinds(fields),
        every_kind=_KINDS,
        names=visit.names,
        kind_names=[visit.names.kind(one) for one in _kinds(fields)],
        preview=found,
        problem=problem,
    )


def _order(state: ListState, fields: SentFields) -> dict[str, Any]:
    do = fields.one("do")
    asked = {"kinds": _kinds(fields)} if do == "unsubscribe" else {"tag": fields.one("tag").strip()}
    return {"filter": state.filter(), "action": {"do": do, **asked}}


def _kinds(fields: SentFields) -> list[str]:
    return [one for one in _KINDS if one in fields.all("kind")]


def _actions(visit: Visit) -> BulkActions:
    actions: BulkActions = visit.request.app.state.bulk_actions
    return actions


ROUTES: Final = (
    PageRoute(PATH, preview, _CHANGING, role="marketer"),
    PageRoute(PATH, start, _CHANGING, "POST", role="marketer"),
)
