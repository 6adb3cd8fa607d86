"""The control plane as the directory of sources."""

from typing import Any

from services.ingress.ports import SourcesAway, WebhookSource
from services.runtime import control
from services.runtime.database import database_heals
from services.runtime.remembering import Remembered
from services.runtime.secrets import open_sealed


class ControlPlaneSources:
    """Sources by name, remembered for two seconds; and for ten minutes while PostgreSQL is away.

    LINE does not send a webhook again unless told to, so losing the database must not mean losing what people write.
    """

    def __init__(self, db: Any, master: str) -> None:
        async def ask(name: str) -> WebhookSource | None:
            found = await control.get_source(db, name)
            return _opened(found, master) if found else None

        self._remembered: Remembered[str, WebhookSource] = Remembered(ask)

    async def find(self, source: str) -> WebhookSource | None:
        """See Sources."""
        try:
            return await self._remembered.get(source)
        except Exception as error:
            if database_heals(error):
                raise SourcesAway from error
            raise


def _opened(source: control.Source, master: str) -> WebhookSource:
    return WebhookSource(
        source.source,
        source.tenant,
        source.channel,
        source.account,
        source.provider,
        tuple(open_sealed(master, sealed) for sealed in source.sealed_secrets),
    )
