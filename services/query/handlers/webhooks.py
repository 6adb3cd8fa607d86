"""Webhook endpoints as they are answered."""

from datetime import datetime
from typing import Any

from services.changes.endpoints import WithSecret
from services.control.webhook_endpoints import SentAttempt, WebhookEndpoint
from services.control.webhook_turns import MOST_WAITING
from services.query.core.webhook_models import AttemptView, EndpointView, EndpointWithSecret


def endpoint_view(found: WebhookEndpoint) -> EndpointView:
    """An endpoint, without its secret."""
    form: Any = found.form
    return EndpointView(
        id=found.endpoint_id,
        url=found.url,
        form=form,
        types=None if found.types is None else list(found.types),
        enabled=found.disabled_at is None,
        disabled_at=_ms(found.disabled_at),
        disabled_because=found.disabled_because,
        failures=found.failures,
        failing_since=_ms(found.failing_since),
        succeeded_at=_ms(found.succeeded_at),
        waiting=found.waiting,
        paused=found.waiting >= MOST_WAITING,
        former_secret_until=_ms(found.former_until),
        created_at=int(found.created_at.timestamp() * 1000),
    )


def with_secret(made: WithSecret) -> EndpointWithSecret:
    """An endpoint with its new secret."""
    return EndpointWithSecret(endpoint=endpoint_view(made.endpoint), secret=made.secret)


def attempt_view(one: SentAttempt) -> AttemptView:
    """An attempt."""
    return AttemptView(
        at=int(one.at.timestamp() * 1000),
        message_id=f"msg_{one.message_id.hex}",
        type=one.type,
        attempt=one.number,
        status=one.status,
        problem=one.problem,
        duration_ms=one.duration,
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
