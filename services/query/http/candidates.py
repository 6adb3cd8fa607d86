"""Candidates over HTTP: pairs of customers that are probably one person."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from projections.candidates.scoring import DEFAULT_SCORE, LEAST_SCORE
from services.query.core import cursors
from services.query.core.candidate_models import CandidatePage
from services.query.handlers.candidates import BEST, Candidates
from services.query.http.parameters import ABOUT_NOW, AskingMuch
from services.query.http.responses import PAGED, answer
from services.runtime.api import keyed_router

_MOST: Final = 100  # pairs; both customers of each are read and compared

router = keyed_router("/v1", "identity")


async def _candidates(request: Request) -> Candidates:
    candidates: Candidates = request.app.state.candidates
    return candidates


@router.get(
    "/identity/candidates",
    summary="Candidates: customers that are probably one person",
    response_model=CandidatePage,
    responses=PAGED,
    dependencies=ABOUT_NOW,
)
async def read_candidates(
    asking: AskingMuch,
    candidates: Annotated[Candidates, Depends(_candidates)],
    least: Annotated[
        float, Query(alias="min_score", ge=LEAST_SCORE, le=1, description="only pairs with at least this score")
    ] = DEFAULT_SCORE,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most pairs on the page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_A_CANDIDATE, description="`next` of the page before")
    ] = None,
) -> Response:
    """Pairs of customers that no rule joins, with the signs that they are one person, best first.

    They never become one by themselves. A decision, `same` or `different`, or a merge of their member ids takes a pair
    off the list.
    """
    after = BEST if cursor is None else cursors.read_candidate(cursor)
    return answer(await candidates.page(asking.tenant, least, limit, after))
