"""Bulk actions: counted first, then handed to a worker as a job, and undone by another job."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from projections.attributes.value_types import type_refusal
from projections.bulk_actions.order import BulkOrder, SetAttributeOfContacts, UnsubscribeContacts
from projections.bulk_actions.queries import count
from projections.bulk_actions.requests import BULK_ACTION, BULK_UNDO, BulkRequest
from projections.customers.search import queries
from projections.customers.search.time_limit import within_time_of_count
from projections.segments.searching import check_cost, search_of
from projections.settings.queries import attribute_definitions
from schemas.events.profile import AttributeValue
from services.control.errors import NotEnded, TooLateToUndo
from services.control.jobs import Job, add_job, add_undo, find_job
from services.query.core import search_views
from services.query.core.bulk_models import BulkChannel, BulkPreview, BulkStart, BulkStarted
from services.query.core.errors import NotFound
from services.query.core.job_models import JobView
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.jobs import job_view
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.database import Engine

UNDO_FOR: Final = timedelta(days=1)
_GOES_ON: Final = "Welcome messages and answers of bots are no marketing, and go on."


class WrongType(Exception):
    """The value is not of the type that the attribute is defined with."""


class PreviewOutdated(Exception):
    """The filter finds another number of customers than was shown."""


class BulkActions:
    """Counts what a bulk action would do, and has a worker do it, or undo it."""

    def __init__(self, engine: Engine, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._engine = engine
        self._read_models = read_models
        self._lookup = lookup

    async def preview(self, tenant: str, order: BulkOrder, now: int) -> BulkPreview:
        """What the order would do. Raises WrongType, Unsearchable, TooDear and ReadModelsUnavailable."""
        return (await self._counted(tenant, order, now))[0]

    async def start(self, tenant: str, wanted: BulkStart, now: int, requested_by: str) -> BulkStarted:
        """Have it done. Raises PreviewOutdated and TooManyJobs, and as `preview` does."""
        preview, request = await self._counted(tenant, wanted.order, now)
        if wanted.token not in {None, preview.token} or wanted.expected_customers not in {None, preview.customers}:
            raise PreviewOutdated(
                f"the filter finds {preview.customers} customers now, or this is another action than the preview was "
                "of; look at a new preview"
            )
        parameters = request.parameters
        job = await add_job(
            self._engine, tenant, BULK_ACTION, parameters, total=preview.customers, requested_by=requested_by
        )
        return BulkStarted(preview=preview, job=job_view(job))

    async def undo(self, tenant: str, job_id: UUID, requested_by: str) -> JobView:
        """Have it undone. Raises UnknownJob, NotFound, NotEnded, TooLateToUndo, AlreadyUndone and TooManyJobs."""
        job = await find_job(self._engine, job_id, tenant)
        if job.kind != BULK_ACTION:
            raise NotFound("This job is no bulk action.")
        _check_time(job)
        parameters = dict(job.parameters) | {"undoes": str(job_id)}
        return job_view(await add_undo(self._engine, job, BULK_UNDO, parameters, requested_by))

    async def _counted(self, tenant: str, order: BulkOrder, now: int) -> tuple[BulkPreview, BulkRequest]:
        async with snapshot(self._read_models, tenant) as moment:
            await _check_type(moment, order)
            search = await search_of(
                moment.connection, moment.resolution, self._lookup.policy_in(moment), order.filter, now
            )
            await check_cost(moment.connection, search)
            await queries.plan_for_values(moment.connection)
            async with within_time_of_count(moment.connection):
                found = await count(moment.connection, search, order)
            composed = await queries.composed(moment.connection, tenant)
        preview = BulkPreview(
            customers=found.customers,
            changed=found.changed,
            unchanged=found.unchanged,
            skipped=found.skipped,
            channels=[BulkChannel(**one._asdict()) for one in found.channels],
            notes=[_GOES_ON] if isinstance(order.action, UnsubscribeContacts) else [],
            token=_token(tenant, order, found.customers),
            as_of=search_views.as_of(composed, now),
        )
        return preview, BulkRequest(order, search.filter, now)


async def _check_type(moment: Snapshot, order: BulkOrder) -> None:
    action = order.action
    if not isinstance(action, SetAttributeOfContacts):
        return
    if action.type is not None and _unfit(action):
        raise WrongType(f"{action.key}: the value is no {action.type}")
    types = {one.key: one.type for one in await attribute_definitions(moment.connection, moment.tenant)}
    said = AttributeValue(key=action.key, value=action.value, type=action.type)
    if why := type_refusal(said, types):
        raise WrongType(why)


def _unfit(action: SetAttributeOfContacts) -> bool:
    try:
        AttributeValue(key=action.key, value=action.value, type=action.type)
    except ValueError:
        return True
    return False


def _check_time(job: Job) -> None:
    if job.finished_at is None:
        raise NotEnded(NotEnded.__doc__)
    end = job.finished_at + UNDO_FOR
    if end <= datetime.now(UTC):
        raise TooLateToUndo(f"the job could be undone until {end.isoformat(timespec='seconds')}")


def _token(tenant: str, order: BulkOrder, customers: int) -> str:
    """Equal for an equal order of a tenant that finds as many customers."""
    said = [tenant, order.model_dump(mode="json", exclude_none=True), customers]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
