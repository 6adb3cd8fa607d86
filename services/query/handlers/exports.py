"""Exports: what is asked for is counted, and handed to a worker as a job."""

from projections.customers.search import queries
from projections.customers.search.time_limit import within_time_of_count
from projections.exports.order import EXCEL_ROWS, MOST_ATTRIBUTES, ExportOrder
from projections.exports.requests import EXPORT, ExportRequest
from projections.segments.searching import check_cost, search_of
from projections.settings.queries import used_attributes
from services.control.jobs import add_job
from services.query.core import search_views
from services.query.core.export_models import ExportPreview, ExportStarted
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.jobs import job_view
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.database import Engine


class NoRoomInExcel(Exception):
    """A sheet of Excel has no room for so many rows; export CSV instead, or fewer customers."""


class TooManyAttributes(Exception):
    """The customers have more attributes than an export has columns; name those that are wanted."""


class Exports:
    """Counts what an export would have, and has a worker make it."""

    def __init__(self, engine: Engine, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._engine = engine
        self._read_models = read_models
        self._lookup = lookup

    async def preview(self, tenant: str, order: ExportOrder, now: int) -> ExportPreview:
        """How many rows the export has at this moment.

        Raises NoRoomInExcel, TooManyAttributes, Unsearchable, TooDear and ReadModelsUnavailable.
        """
        return (await self._counted(tenant, order, now))[1]

    async def start(self, tenant: str, order: ExportOrder, now: int, requested_by: str) -> ExportStarted:
        """Have an export made. Raises TooManyJobs, and what `preview` raises."""
        wanted, found = await self._counted(tenant, order, now)
        job = await add_job(
            self._engine, tenant, EXPORT, wanted.parameters, total=found.rows, requested_by=requested_by
        )
        return ExportStarted(rows=found.rows, as_of=found.as_of, job=job_view(job))

    async def _counted(self, tenant: str, order: ExportOrder, now: int) -> tuple[ExportRequest, ExportPreview]:
        async with snapshot(self._read_models, tenant) as moment:
            policy = self._lookup.policy_in(moment)
            search = await search_of(moment.connection, moment.resolution, policy, order.filter, now)
            await check_cost(moment.connection, search)
            wanted = ExportRequest(order, search.filter, await _attributes(moment, order), now)
            await queries.plan_for_values(moment.connection)
            async with within_time_of_count(moment.connection):
                rows = await wanted.statement(tenant, search.asked).count(moment.connection)
            composed = await queries.composed(moment.connection, tenant)
        if order.format == "xlsx" and rows >= EXCEL_ROWS:
            raise NoRoomInExcel(NoRoomInExcel.__doc__)
        return wanted, ExportPreview(rows=rows, as_of=search_views.as_of(composed, now))


async def _attributes(moment: Snapshot, order: ExportOrder) -> list[str]:
    """The keys of the attributes' columns."""
    if order.attributes != "all":
        return list(order.attributes)
    found = await used_attributes(moment.connection, moment.tenant, "", MOST_ATTRIBUTES + 1)
    if len(found) > MOST_ATTRIBUTES:
        raise TooManyAttributes(TooManyAttributes.__doc__)
    return sorted(found)
