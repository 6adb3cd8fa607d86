"""What people do with the endpoints of outbound webhooks: over HTTP, and by commands.

A secret is shown once, when it is made. It is stored sealed, since messages are signed with it.
"""

import secrets
from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from services.changes.cursor import ChangeCursor
from services.changes.destinations import DestinationRules, check_url
from services.changes.errors import ChangesUnavailable
from services.changes.feed import ChangeFeed
from services.changes.signing import SECRET_BYTES, WebhookForm, secret_text
from services.control import webhook_endpoints as stored
from services.control.webhook_endpoints import SentAttempt, WebhookEndpoint
from services.runtime.database import Engine
from services.runtime.secrets import seal


class WithSecret(NamedTuple):
    """An endpoint, and the secret that its receiver has to know, which is not shown again."""

    endpoint: WebhookEndpoint
    secret: str


class WebhookEndpoints:
    """The endpoints. Every method raises UnknownEndpoint for another tenant's; ``tenant`` None stands for any tenant.

    Without a feed, since no Kafka is set, none can be added or replayed.
    """

    def __init__(self, engine: Engine, feed: ChangeFeed | None, master_key: str, rules: DestinationRules) -> None:
        self._engine, self._feed, self._master_key, self._rules = engine, feed, master_key, rules

    async def add(
        self, tenant: str, url: str, form: WebhookForm, types: Collection[str] | None, start: str | int
    ) -> WithSecret:
        """Add one that gets the changes from ``start`` on: as `ChangeFeed.begin` takes it, or a time in ms.

        Raises RefusedDestination, UnknownTenant, TooManyEndpoints, UnknownCursor and ChangesUnavailable.
        """
        check_url(url, self._rules)
        cursor = await self._cursor(tenant, start)
        secret = secrets.token_bytes(SECRET_BYTES)
        added = await stored.add_endpoint(
            self._engine,
            tenant,
            url,
            form=form,
            types=types,
            sealed_secret=seal(self._master_key, secret),
            topic_id=cursor.topic_id,
            offsets=cursor.offsets,
        )
        return WithSecret(added, secret_text(secret))

    async def all(self, tenant: str | None) -> list[WebhookEndpoint]:
        """The endpoints, the oldest first."""
        return await stored.list_endpoints(self._engine, tenant)

    async def find(self, tenant: str | None, endpoint_id: UUID) -> WebhookEndpoint:
        """One endpoint."""
        return await stored.find_endpoint(self._engine, endpoint_id, tenant)

    async def change(self, tenant: str | None, endpoint_id: UUID, changes: dict[str, Any]) -> WebhookEndpoint:
        """Set its ``url``, ``form`` or ``types``. Raises RefusedDestination."""
        if "url" in changes:
            check_url(changes["url"], self._rules)
        if not changes:
            return await self.find(tenant, endpoint_id)
        return await stored.change_endpoint(self._engine, endpoint_id, tenant, changes)

    async def rotate(self, tenant: str | None, endpoint_id: UUID) -> WithSecret:
        """Sign with a new secret, and for a day with the one before it, too."""
        secret = secrets.token_bytes(SECRET_BYTES)
        changed = await stored.rotate_secret(self._engine, endpoint_id, tenant, seal(self._master_key, secret))
        return WithSecret(changed, secret_text(secret))

    async def enable(self, tenant: str | None, endpoint_id: UUID) -> WebhookEndpoint:
        """Go on where it was, and try what waits at once."""
        return await stored.enable_endpoint(self._engine, endpoint_id, tenant)

    async def disable(self, tenant: str | None, endpoint_id: UUID) -> WebhookEndpoint:
        """Send nothing until it is enabled; nothing is lost meanwhile."""
        return await stored.disable_endpoint(self._engine, endpoint_id, tenant)

    async def replay(self, tenant: str | None, endpoint_id: UUID, start: str | int) -> WebhookEndpoint:
        """Send the changes from ``start`` on, and enable it. Raises UnknownCursor and ChangesUnavailable."""
        found = await self.find(tenant, endpoint_id)
        cursor = await self._cursor(found.tenant, start)
        return await stored.replay_from(self._engine, endpoint_id, tenant, cursor.topic_id, cursor.offsets)

    async def remove(self, tenant: str | None, endpoint_id: UUID) -> None:
        """Remove it, with what waits for it."""
        await stored.remove_endpoint(self._engine, endpoint_id, tenant)

    async def attempts(self, tenant: str | None, endpoint_id: UUID, limit: int) -> list[SentAttempt]:
        """The latest attempts, the newest first."""
        return await stored.list_attempts(self._engine, endpoint_id, tenant, limit)

    async def _cursor(self, tenant: str, start: str | int) -> ChangeCursor:
        if self._feed is None:
            raise ChangesUnavailable(ChangesUnavailable.__doc__)
        if isinstance(start, int):
            return await self._feed.begin_at(tenant, start)
        return await self._feed.begin(tenant, start)
