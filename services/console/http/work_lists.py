"""Work lists about identity: pairs that are probably one person, what joins nothing, and what people decided."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from projections.candidates.scoring import DEFAULT_SCORE
from projections.identity.decision_queries import MergePosition
from services.console.core.candidate_signs import conflict_sides, sign_sentence
from services.console.http.decisions import IDENTITY, decision_address, merge_address
from services.console.http.identity import decisions_of, explainer_of
from services.console.http.pages import PageRoute
from services.console.http.profile import address_of, reader_of
from services.console.http.visits import Visit, query_of
from services.query.core import cursors
from services.query.handlers.candidates import BEST, Candidates
from services.query.handlers.decisions import NEWEST as NEWEST_DECISION
from services.query.handlers.decisions import NEWEST_MERGE
from services.runtime.api import Access

_READING_MUCH: Final = Access("customers:read", 10.0)
_PAIRS: Final = 20
_CONFLICTS: Final = 50
_DECISIONS: Final = 50


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
        names=visit.names,
        sign_sentence=sign_sentence,
        address_of=address_of,
        decision_address=decision_address,
        done=query.one("done"),
    )


async def show_conflicts(visit: Visit) -> Response:
    """Refused links, those of the strongest ties first, and values set aside."""
    query = query_of(visit.request)
    cursor = query.one("cursor")[: cursors.MOST_OF_A_LINK]
    after = cursors.read_conflict(cursor, "strongest") if cursor else None
    page = await explainer_of(visit).conflicts(visit.tenant, _CONFLICTS, after, "strongest")
    return visit.page(
        "identity/conflicts.html",
        page=page,
        paged=bool(cursor),
        names=visit.names,
        sides=conflict_sides,
        address_of=address_of,
        decision_address=decision_address,
        merge_address=merge_address,
        done=query.one("done"),
    )


async def show_decisions(visit: Visit) -> Response:
    """What staff decided of pairs of contacts, the newest first."""
    cursor = query_of(visit.request).one("cursor")[: cursors.MOST_OF_A_LINK]
    after = cursors.read_decision(cursor) if cursor else NEWEST_DECISION
    page = await decisions_of(visit).page(visit.tenant, _DECISIONS, after)
    contacts = {key for one in page.decisions for key in (one.a, one.b)}
    called = await reader_of(visit).names(visit.tenant, contacts)
    return _decided(visit, "decisions", page.decisions, page.next, called)


async def show_merges(visit: Visit) -> Response:
    """What member ids became, the newest first."""
    cursor = query_of(visit.request).one("cursor")[: cursors.MOST_OF_A_LINK]
    after = MergePosition(*cursors.read_version(cursor)) if cursor else NEWEST_MERGE
    page = await decisions_of(visit).merges(visit.tenant, _DECISIONS, after)
    return _decided(visit, "merges", page.merges, page.next, {})


def _decided(
    visit: Visit, kind: str, entries: Sequence[object], following: str | None, called: Mapping[str, str | None]
) -> Response:
    query = query_of(visit.request)
    return visit.page(
        "identity/decisions.html",
        kind=kind,
        entries=entries,
        following=following,
        paged=bool(query.one("cursor")),
        contact_names=called,
        names=visit.names,
        address_of=address_of,
        decision_address=decision_address,
        merge_address=merge_address,
        done=query.one("done"),
    )


ROUTES: Final = (
    PageRoute(f"{IDENTITY}/candidates", show_candidates, _READING_MUCH),
    PageRoute(f"{IDENTITY}/conflicts", show_conflicts, _READING_MUCH),
    PageRoute(f"{IDENTITY}/decisions", show_decisions, _READING_MUCH),
    PageRoute(f"{IDENTITY}/merges", show_merges, _READING_MUCH),
)
