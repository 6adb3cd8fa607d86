"""The read API, put together: settings in, an ASGI app out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Final

from fastapi import FastAPI

from projections.engine.generations import active_generation
from projections.registry import SCHEMA
from schemas.topics import CUSTOMER_CHANGES
from services.changes.destinations import DestinationRules
from services.changes.endpoints import WebhookEndpoints
from services.changes.feed import ChangeFeed
from services.changes.log import ChangeLog
from services.control.access import access_service
from services.control.audit import list_entries
from services.control.auth import Authenticator
from services.control.generations import list_generations
from services.control.keys import ApiKey, find_key
from services.control.lag import read_lag
from services.query.adapters.preview_process import PreviewProcess
from services.query.adapters.read_models import PooledReadModels
from services.query.core.timelines import MOST_BYTES
from services.query.handlers.attributes import AttributeReader
from services.query.handlers.audit import AuditReader
from services.query.handlers.bulk_actions import BulkActions
from services.query.handlers.candidates import Candidates
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.decisions import Decisions
from services.query.handlers.deletion_requests import DeletionRequests
from services.query.handlers.erasures import ErasureRequests
from services.query.handlers.explainer import Explainer
from services.query.handlers.exports import Exports
from services.query.handlers.fields import FieldReader
from services.query.handlers.generations import Generations
from services.query.handlers.jobs import Jobs
from services.query.handlers.membership_previews import MembershipPreviews
from services.query.handlers.past import PastReadModels
from services.query.handlers.policies import Policies
from services.query.handlers.quota import QuotaReader
from services.query.handlers.reader import CustomerReader
from services.query.handlers.search import CustomerSearch
from services.query.handlers.search_indexes import LEAST_CUSTOMERS, MIB, SearchIndexes
from services.query.handlers.segments import SegmentReader
from services.query.handlers.sending import SendChecks
from services.query.handlers.watching import ChangeWatch
from services.query.http import (
    accounts,
    attributes,
    audit,
    bulk_actions,
    candidates,
    changes,
    contacts,
    customers,
    decisions,
    erasures,
    exports,
    fields,
    generations,
    identity,
    jobs,
    membership_previews,
    policy,
    quota,
    search,
    segments,
    sending,
    webhooks,
)
from services.query.http.responses import PROBLEMS
from services.runtime.application import Application, Service, application
from services.runtime.database import open_engine
from services.runtime.secrets import change_cursor_key, tenant_id_key
from services.runtime.settings import Settings
from services.vault.records import open_log_sealing

_KEY_WITHIN: Final = 10.0  # seconds; a reader would rather wait for a busy server than ask again

ROUTERS: Final = (
    attributes.router,
    sending.router,
    quota.router,
    contacts.router,
    accounts.router,
    customers.router,
    search.router,
    segments.router,
    fields.router,
    jobs.router,
    exports.router,
    changes.router,
    webhooks.router,
    bulk_actions.router,
    erasures.router,
    identity.router,
    candidates.router,
    decisions.router,
    membership_previews.router,
    policy.router,
    generations.router,
    audit.router,
)


def query_service(settings: Settings, *, page_bytes: int = MOST_BYTES, indexed_from: int = LEAST_CUSTOMERS) -> Service:
    """Everything that the read API serves. Raises MissingSetting.

    ``page_bytes`` bounds a timeline's page; tenants of ``indexed_from`` customers and more have a search index.
    It starts without a database too, and becomes ready once there is one with an active generation.
    """
    read_models = PooledReadModels(settings.database_url)
    lookup = CustomerLookup.of(settings)
    feed = _change_feed(settings, read_models)
    watch = ChangeWatch(read_models)
    indexes = SearchIndexes(read_models.connection_for_index, settings.search_index_mib * MIB, least=indexed_from)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            read_models,
            indexes.open(),
            nullcontext() if feed is None else feed.open(),
            open_engine(settings.database_url, name="onefold-query", statement_timeout=5) as engine,
        ):

            async def find(key_hash: bytes) -> ApiKey | None:
                async with read_models.connection():  # without read models no key is of use: 503, rather than 401
                    return await find_key(engine, key_hash)

            app.state.audit = AuditReader(partial(list_entries, engine))
            app.state.authenticator = Authenticator(find, _KEY_WITHIN, app.state.key_guard)
            app.state.jobs = Jobs(engine)
            app.state.exports = Exports(engine, read_models.for_counts(), lookup)
            rules = DestinationRules.of(settings)
            app.state.webhook_endpoints = WebhookEndpoints(engine, feed, settings.master_key, rules)
            app.state.bulk_actions = BulkActions(engine, read_models.for_counts(), lookup)
            app.state.erasures = ErasureRequests(engine, read_models, lookup, settings.master_key)
            app.state.deletions = DeletionRequests(engine, settings.master_key)
            yield

    past = PastReadModels(read_models.connection_for_past, lookup.id_of, lookup.region)
    state = {
        "reader": CustomerReader(read_models, lookup, page_bytes, past),
        "search": CustomerSearch(read_models, lookup, indexes),
        "fields": FieldReader(read_models),
        "segments": SegmentReader(read_models, lookup, indexes),
        "explainer": Explainer(read_models, lookup, past),
        "candidates": Candidates(read_models),
        "decisions": Decisions(read_models, lookup),
        "attributes": AttributeReader(read_models),
        "sending": SendChecks(read_models, lookup),
        "quota": QuotaReader(read_models),
        "policies": Policies(read_models, lookup),
        "generations": Generations(partial(list_generations, settings), partial(read_lag, settings)),
        "membership_previews": MembershipPreviews(read_models, lookup),
        "changes": feed,
        "watch": watch,
        "before_shutdown": (watch.stop,) if feed is None else (watch.stop, feed.stop),
        "previewer": PreviewProcess(
            settings.database_url, settings.default_region, partial(tenant_id_key, settings.master_key)
        ),
    }
    return Service(ROUTERS, lifespan, {"postgresql": read_models.check}, PROBLEMS, state=state)


def _change_feed(settings: Settings, read_models: PooledReadModels) -> ChangeFeed | None:
    """The changes of customers; None where no Kafka is set."""
    if settings.kafka is None:
        return None

    async def find_topic() -> str:
        async with read_models.connection() as connection:
            generation = await active_generation(connection, SCHEMA)
        return generation.topic_name(CUSTOMER_CHANGES, settings.topic_prefix)

    open_sealing = partial(open_log_sealing, settings, name="onefold-changes")
    return ChangeFeed(find_topic, ChangeLog(settings.kafka, open_sealing), change_cursor_key(settings.master_key))


def create_app(settings: Settings, *, page_bytes: int = MOST_BYTES, indexed_from: int = LEAST_CUSTOMERS) -> Application:
    """The read API as an application of its own, see `query_service`. Raises MissingSetting."""
    service = query_service(settings, page_bytes=page_bytes, indexed_from=indexed_from)
    return application(
        access_service(settings),
        service,
        title="Onefold: reading",
        summary="Contacts, customers, their timelines, and why contacts are one customer.",
    )
