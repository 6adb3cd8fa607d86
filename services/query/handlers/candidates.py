"""Answers which customers are probably one person, as of the latest sweep; each pair is compared again."""

from projections.candidates import queries
from projections.candidates.folds import candidate
from projections.identity.queries import keys_of
from services.query.core import cursors
from services.query.core.candidate_models import CandidatePage
from services.query.core.candidate_views import pair_view
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

BEST = queries.BEST


class Candidates:
    """Lists candidates. Every method raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels) -> None:
        self._read_models = read_models

    async def page(
        self, tenant: str, least: float, limit: int, after: queries.CandidatePosition = BEST
    ) -> CandidatePage:
        """A page of the pairs whose score is at least so much, the best first.

        A pair that was settled since the sweep, or whose score has come to be less, is left out.
        """
        async with snapshot(self._read_models, tenant) as moment:
            rows = await queries.candidates(moment.connection, tenant, least=least, after=after, limit=limit + 1)
            shown = rows[:limit]
            ids = {one for row in shown for one in (row.one_id, row.other_id)}
            customers = await queries.load_customers(moment.connection, moment.resolution, ids)
            keys = await keys_of(moment.connection, tenant, list(ids))
            compared_at = await queries.swept_at(moment.connection, tenant)
        found = (candidate(customers, (row.one_id, row.other_id), least) for row in shown)
        last = queries.position_of(shown[-1]) if len(rows) > limit else None
        return CandidatePage(
            candidates=[pair_view(one, customers, keys) for one in found if one is not None],
            compared_at=compared_at,
            next=cursors.write_candidate(last) if last else None,
        )
