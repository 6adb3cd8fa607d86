"""Work lists about identity: pairs of customers that are probably one person, and what joins nothing."""

from typing import Final

from starlette.responses import Response

from projections.candidates.scoring import DEFAULT_SCORE
from services.console.core.names import Names
from services.console.http.decisions import IDENTITY, decision_address
from services.console.http.identity import explainer_of
from services.console.http.pages import PageRoute
from services.console.http.profile import address_of
from services.console.http.visits import Visit, query_of
from services.query.core import cursors
from services.query.handlers.candidates import BEST, Candidates
from services.query.handlers.explainer import NEWEST
from services.runtime.api import Access

_READING_MUCH: Final = Access("customers:read", 10.0)
_PAIRS: Final = 20
_CONFLICTS: Final = 50


async def show_candidates(visit: Visit) -> Response:
    """Pairs of customers, the best first."""
    query = query_of(visit.request)
    cursor = query.one("cursor")[: cursors.MOST_OF_A_CANDIDATE]
    after = cursors.read_candidate(cursor) if cursor else BEST
    candidates: Candidates = visit.request.app.state.candidates
    page = await candidates.page(visit.tenant, DEFAULT_SCORE, _PAIRS, after)
    return visit.page(
        "identity/candidates.html",
        page=page,
        paged=bool(cursor),
        names=Names(visit.say),
        address_of=address_of,
        decision_address=decision_address,
        done=query.one("done"),
    )


async def show_conflicts(visit: Visit) -> Response:
    """Refused links and values set aside, the newest first."""
    cursor = query_of(visit.request).one("cursor")[: cursors.MOST_OF_A_LINK]
    after = cursors.read_conflict(cursor) if cursor else NEWEST
    page = await explainer_of(visit).conflicts(visit.tenant, _CONFLICTS, after)
    return visit.page(
        "identity/conflicts.html", page=page, paged=bool(cursor), names=Names(visit.say), address_of=address_of
    )


ROUTES: Final = (
    PageRoute(f"{IDENTITY}/candidates", show_candidates, _READING_MUCH),
    PageRoute(f"{IDENTITY}/conflicts", show_conflicts, _READING_MUCH),
)
