"""What ``onefold members`` runs: appends merges of member ids to the log without a running service."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from services.control.errors import unknown_tenant
from services.control.tenants import list_tenants
from services.ingress.adapters.identity import PostgresIdentity
from services.ingress.adapters.log import KafkaLog
from services.ingress.core.events import RequestContext
from services.ingress.core.list_lines import Form, NoColumns
from services.ingress.core.member_merges import MergeTerms
from services.ingress.handlers.member_merges import MergeImport
from services.ingress.ports import LogUnavailable
from services.runtime.budget import Budget
from services.runtime.database import Engine, create_pool
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

_WITHIN: Final = 15.0
_ROOM: Final = 67_108_864


async def import_merges(
    engine: Engine, settings: Settings, tenant: str, form: Form, pieces: Iterable[bytes]
) -> MergeImport:
    """Append the merges in a list; ``engine`` is the control schema's.

    Raises ForeseenError where there is no such tenant, where the list is none, and where Kafka does not acknowledge.
    """
    if all(one.tenant != tenant for one in await list_tenants(engine)):
        raise unknown_tenant(tenant)
    pool = create_pool(settings.database_url, name="onefold-members", min_size=0, max_size=1)
    async with pool as db, KafkaLog(settings, Budget(_ROOM)) as log:
        identity = PostgresIdentity(db, settings.master_key, settings.default_region)
        terms = MergeTerms(None, await identity.policy(tenant))
        context = RequestContext(tenant, time.time_ns() // 1_000_000, may_set_tenant=False)
        merges = MergeImport(form, context, terms, log)
        try:
            await asyncio.wait_for(log.connected(), _WITHIN)
            for piece in pieces:
                await merges.take(piece)
            await merges.finish()
        except NoColumns as error:
            raise ForeseenError(f"this is no list of merges: {error}") from None
        except (LogUnavailable, TimeoutError):
            raise ForeseenError(
                f"Kafka does not acknowledge; {merges.accepted} are in the log. Give the same command again."
            ) from None
    return merges
