"""Webhook endpoints over HTTP: where a tenant's changes are sent."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from services.changes.endpoints import WebhookEndpoints
from services.control.auth import Principal
from services.query.core.webhook_models import (
    AttemptList,
    EndpointChange,
    EndpointList,
    EndpointStart,
    EndpointView,
    EndpointWithSecret,
    ReplayStart,
)
from services.query.handlers.webhooks import attempt_view, endpoint_view, with_secret
from services.query.http.parameters import require
from services.query.http.responses import ENDPOINT_ADDED, ENDPOINT_CHANGED, ENDPOINT_REPLAYED, answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/webhook-endpoints", "changes")
_MOST_ATTEMPTS: Final = 1000


async def _endpoints(request: Request) -> WebhookEndpoints:
    found: WebhookEndpoints = request.app.state.webhook_endpoints
    return found


Managing = Annotated[Principal, Depends(require("admin"))]
Endpoints = Annotated[WebhookEndpoints, Depends(_endpoints)]
EndpointId = Annotated[UUID, Path(description="the endpoint's id")]


@router.post(
    "",
    status_code=201,
    summary="Have changes sent to a URL",
    response_model=EndpointWithSecret,
    responses=ENDPOINT_ADDED,
)
async def add_webhook_endpoint(asking: Managing, endpoints: Endpoints, wanted: EndpointStart) -> Response:
    """The endpoint, with the secret that verifies its messages, which is shown this once."""
    made = await endpoints.add(asking.tenant, wanted.url, wanted.form, wanted.types, wanted.after)
    return answer(with_secret(made), 201)


@router.get("", summary="The webhook endpoints", response_model=EndpointList, responses=COMMON_PROBLEMS)
async def list_webhook_endpoints(asking: Managing, endpoints: Endpoints) -> Response:
    """The tenant's endpoints, with how well each takes its messages."""
    return answer(EndpointList(endpoints=[endpoint_view(one) for one in await endpoints.all(asking.tenant)]))


@router.get("/{endpoint}", summary="A webhook endpoint", response_model=EndpointView, responses=COMMON_PROBLEMS)
async def read_webhook_endpoint(asking: Managing, endpoints: Endpoints, endpoint: EndpointId) -> Response:
    """One endpoint, and the reason if it is disabled."""
    return answer(endpoint_view(await endpoints.find(asking.tenant, endpoint)))


@router.patch(
    "/{endpoint}", summary="Change a webhook endpoint", response_model=EndpointView, responses=ENDPOINT_CHANGED
)
async def change_webhook_endpoint(
    asking: Managing, endpoints: Endpoints, endpoint: EndpointId, wanted: EndpointChange
) -> Response:
    """Changes that wait for it are sent to the new URL."""
    return answer(endpoint_view(await endpoints.change(asking.tenant, endpoint, wanted.changes)))


@router.delete(
    "/{endpoint}",
    status_code=204,
    summary="Remove a webhook endpoint",
    responses=COMMON_PROBLEMS,
    response_class=Response,
)
async def remove_webhook_endpoint(asking: Managing, endpoints: Endpoints, endpoint: EndpointId) -> Response:
    """It gets nothing any more, but for a message that is being sent right now."""
    await endpoints.remove(asking.tenant, endpoint)
    return Response(status_code=204)


@router.get(
    "/{endpoint}/attempts",
    summary="What was sent to a webhook endpoint",
    response_model=AttemptList,
    responses=COMMON_PROBLEMS,
)
async def list_webhook_attempts(
    asking: Managing,
    endpoints: Endpoints,
    endpoint: EndpointId,
    limit: Annotated[int, Query(ge=1, le=_MOST_ATTEMPTS, description="most attempts")] = 100,
) -> Response:
    """The latest attempts. Neither messages nor the receiver's answers are kept, since they may be about people."""
    found = await endpoints.attempts(asking.tenant, endpoint, limit)
    return answer(AttemptList(attempts=[attempt_view(one) for one in found]))


@router.post(
    "/{endpoint}/rotate",
    summary="Rotate a webhook's secret",
    response_model=EndpointWithSecret,
    responses=COMMON_PROBLEMS,
)
async def rotate_webhook_secret(asking: Managing, endpoints: Endpoints, endpoint: EndpointId) -> Response:
    """A new secret. In the standard form messages are signed with the former one, too, for a day."""
    return answer(with_secret(await endpoints.rotate(asking.tenant, endpoint)))


@router.post(
    "/{endpoint}/enable", summary="Enable a webhook endpoint", response_model=EndpointView, responses=COMMON_PROBLEMS
)
async def enable_webhook_endpoint(asking: Managing, endpoints: Endpoints, endpoint: EndpointId) -> Response:
    """It goes on where it was, and what waits is tried at once."""
    return answer(endpoint_view(await endpoints.enable(asking.tenant, endpoint)))


@router.post(
    "/{endpoint}/disable", summary="Disable a webhook endpoint", response_model=EndpointView, responses=COMMON_PROBLEMS
)
async def disable_webhook_endpoint(asking: Managing, endpoints: Endpoints, endpoint: EndpointId) -> Response:
    """Nothing is sent until it is enabled, but for a message that is being sent right now; nothing is lost."""
    return answer(endpoint_view(await endpoints.disable(asking.tenant, endpoint)))


@router.post(
    "/{endpoint}/replay", summary="Send changes again", response_model=EndpointView, responses=ENDPOINT_REPLAYED
)
async def replay_to_webhook_endpoint(
    asking: Managing, endpoints: Endpoints, endpoint: EndpointId, wanted: ReplayStart
) -> Response:
    """Changes are sent from there on, with the ids that their messages had, and the endpoint is enabled."""
    return answer(endpoint_view(await endpoints.replay(asking.tenant, endpoint, wanted.start)))
