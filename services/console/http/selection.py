"""What is done with the customers that are chosen in the list: those with a tick, or all that match."""

from typing import Final

from starlette.responses import Response

from services.console.core.list_state import PAGE_SIZE
from services.console.http import bulk_actions, exports
from services.console.http.customers import state_of
from services.console.http.pages import READING_SETTINGS, PageRoute
from services.console.http.visits import Visit, query_of, redirect

_TARGETS: Final = {"change": bulk_actions.PATH, "export": exports.NEW}
_LONGEST_ID: Final = 36


async def selection(visit: Visit) -> Response:
    """Go on to the page where they are changed or exported; without a choice, back to the list."""
    fields = query_of(visit.request)
    state = state_of(visit, fields)
    ids = [one for one in fields.all("id") if len(one) == _LONGEST_ID][:PAGE_SIZE]
    target = _TARGETS.get(fields.one("to"))
    if target is None or not (ids or fields.one("all")):
        return redirect(state.url(nothing="1"))
    return redirect((state if fields.one("all") else state.only(ids)).url(target))


ROUTES: Final = (PageRoute("/console/selection", selection, READING_SETTINGS),)
