"""The sealing of the log for a worker, which waits while PostgreSQL is away."""

from collections.abc import Collection, Sequence
from functools import partial

from projections.engine.connection import Connection
from services.runtime.database import is_transient
from services.runtime.decoding import KafkaRecord
from services.runtime.retrying import Retrier
from services.vault.records import ChangeToSend, EncodedEvent, Keyed, LogSealing, OpenedRecords, RecordToSend


class RetriedSealing:
    """See LogSealing; each call is repeated for as long as PostgreSQL is away."""

    def __init__(self, sealing: LogSealing, retrier: Retrier) -> None:
        self._sealing, self._retrier = sealing, retrier

    async def channel_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        return await self._retrier.until_done(
            "postgresql", partial(self._sealing.channel_records, events), is_transient
        )

    async def evidence_records(self, events: Sequence[EncodedEvent]) -> list[RecordToSend]:
        """See LogSealing."""
        return await self._retrier.until_done(
            "postgresql", partial(self._sealing.evidence_records, events), is_transient
        )

    async def change_values(self, changes: Sequence[ChangeToSend]) -> list[bytes]:
        """See LogSealing."""
        return await self._retrier.until_done("postgresql", partial(self._sealing.change_values, changes), is_transient)

    async def opened(self, records: Sequence[KafkaRecord]) -> OpenedRecords:
        """See LogSealing."""
        return await self._retrier.until_done("postgresql", partial(self._sealing.opened, records), is_transient)

    async def destroy_keys(self, connection: Connection, tenant: str, contact_keys: Collection[str]) -> int:
        """See LogSealing; not repeated, since a failed transaction is over."""
        return await self._sealing.destroy_keys(connection, tenant, contact_keys)

    async def latest_destroyed(self) -> int:
        """See LogSealing."""
        return await self._retrier.until_done("postgresql", self._sealing.latest_destroyed, is_transient)

    async def opened_values(self, records: Sequence[Keyed]) -> list[bytes | None]:
        """See LogSealing."""
        return await self._retrier.until_done("postgresql", partial(self._sealing.opened_values, records), is_transient)
