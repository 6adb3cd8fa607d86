"""Reads from PostgreSQL what a tenant's policy is, and which members' customers contacts are."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Final

import asyncpg
import structlog

from projections.attributes.value_types import AttributeTypes
from projections.customers.queries import browser_sessions
from projections.engine.ids import personal_id
from projections.erasure_orders.app_users import contacts_of_app_user
from projections.identity.link_queries import held_members
from projections.identity.queries import canonical_of, customer_head
from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.resolutions import active_resolution, policy_of
from projections.settings.queries import attribute_definitions
from services.ingress.adapters.read_models import READ_MODELS_AWAY, reading
from services.ingress.ports import SeenLogin
from services.runtime.caching import LookupCache
from services.runtime.secrets import tenant_id_key

log = structlog.get_logger(__name__)

_FRESH: Final = 5.0
_WITHIN: Final = 0.5
_PATIENCE_OF_COMMANDS: Final = 4  # times as long: a command of staff is worth a longer wait than a warning


class PostgresIdentity:
    """See IdentityReads, AppUserReads, AttributeReads and LoginReads.

    ``db`` is a pool of its own, ``region`` that of tenants without one.

    A policy is cached for five seconds. While PostgreSQL is away, the one that was known last is used, and the default
    one for a tenant whose policy was never known.
    """

    def __init__(
        self,
        db: asyncpg.Pool,
        master: str,
        region: str,
        clock: Callable[[], float] = time.monotonic,
        within: float = _WITHIN,
    ) -> None:
        """``within`` is how many seconds a read for a warning may take."""
        self._db = db
        self._within, self._command_within = within, within * _PATIENCE_OF_COMMANDS
        self._default = Policy(default_region=region)
        self._known: set[str] = set()
        self._policies: LookupCache[str, Policy] = LookupCache(
            self._load, fresh=_FRESH, timeout=2 * within, stale_if_error=inf, clock=clock
        )
        self._attribute_types: LookupCache[str, AttributeTypes] = LookupCache(
            self._load_types, fresh=_FRESH, timeout=2 * within, stale_if_error=inf, clock=clock
        )
        self._id_key = lru_cache(maxsize=1024)(lambda tenant: tenant_id_key(master, tenant))

    async def policy(self, tenant: str) -> Policy:
        """See IdentityReads."""
        return await self._policies.get(tenant) or self._default

    async def attribute_types(self, tenant: str) -> AttributeTypes:
        """See AttributeReads."""
        return await self._attribute_types.get(tenant) or {}

    async def member_ids(self, tenant: str, contacts: Sequence[str]) -> list[str | None]:
        """See IdentityReads."""
        try:
            async with asyncio.timeout(self._command_within), reading(self._db) as connection:
                key = (await active_resolution(connection, tenant)).key
                ids = [personal_id(self._id_key(tenant), contact) for contact in contacts]
                heads = [await customer_head(connection, key, one) for one in ids]
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return [None] * len(contacts)
        return [head.member_id if head else None for head in heads]

    async def known_members(self, tenant: str, ids: Sequence[str]) -> Mapping[str, str]:
        """See IdentityReads."""
        usable = await self._usable(tenant, ids)
        try:
            async with asyncio.timeout(self._within), reading(self._db) as connection:
                key = (await active_resolution(connection, tenant)).key
                canonical = await canonical_of(connection, key, list(usable.values()))
                held = await held_members(connection, key, canonical)
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return {}
        read_as = dict(zip(usable, canonical, strict=True))
        return {one: became for one, became in read_as.items() if became in held or became != usable[one]}

    async def app_user_contacts(self, tenant: str, app_user: str) -> list[str]:
        """See AppUserReads."""
        try:
            async with asyncio.timeout(self._command_within), reading(self._db) as connection:
                active = await active_resolution(connection, tenant)
                policy = policy_of(active, self._default.default_region)
                return await contacts_of_app_user(connection, active, policy, app_user)
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return []

    async def overridden(self, tenant: str, logins: Sequence[SeenLogin]) -> list[SeenLogin]:
        """See LoginReads."""
        usable = await self._usable(tenant, [one.member_id for one in logins])
        by_id = {personal_id(self._id_key(tenant), one.contact): one for one in logins if one.member_id in usable}
        try:
            async with asyncio.timeout(self._command_within), reading(self._db) as connection:
                key = (await active_resolution(connection, tenant)).key
                canonical = await canonical_of(connection, key, list(usable.values()))
                sessions = await browser_sessions(connection, key, list(by_id))
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return []
        read_as = dict(zip(usable, canonical, strict=True))
        return [by_id[one] for one, of in sessions.items() if of.at(by_id[one].at) != read_as[by_id[one].member_id]]

    async def _usable(self, tenant: str, ids: Iterable[str]) -> dict[str, str]:
        """Those of the member ids that are values under the tenant's policy, normalised."""
        policy = await self.policy(tenant)
        normalised = {one: normalise(MEMBER_ID, one, policy) for one in ids}
        return {one: found.value for one, found in normalised.items() if isinstance(found, Normalised)}

    async def _load_types(self, tenant: str) -> AttributeTypes:
        try:
            async with asyncio.timeout(self._within), reading(self._db) as connection:
                return {one.key: one.type for one in await attribute_definitions(connection, tenant)}
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            log.info("read_models_away", error=type(error).__name__)
            return {}

    async def _load(self, tenant: str) -> Policy:
        try:
            async with asyncio.timeout(self._within), reading(self._db) as connection:
                policy = policy_of(await active_resolution(connection, tenant), self._default.default_region)
        except (TimeoutError, *READ_MODELS_AWAY) as error:
            if tenant in self._known:
                raise  # the cache then gives the policy that was known last
            log.info("read_models_away", error=type(error).__name__)
            return self._default
        self._known.add(tenant)
        return policy
