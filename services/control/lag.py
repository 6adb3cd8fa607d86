"""How far each agent of the active generation is behind: contacts, identity, customer rows, customer changes."""

from typing import Final, NamedTuple

from projections.engine.generation_tables import use_generation
from projections.engine.generations import active_generation
from projections.engine.offsets import next_offsets
from projections.engine.touched import behind
from projections.identity.outbox import oldest_age, waiting
from projections.registry import SCHEMA
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.control.activation import connected
from services.runtime.broker import BROKER_ERRORS, log_ends
from services.runtime.settings import Settings

LATE: Final = 60.0  # seconds


class Lag(NamedTuple):
    """``contacts`` and ``identity`` are records that are not folded, None while Kafka can't be asked.

    ``rows`` are chunks that customer rows lack, ``changes`` are customer changes that Kafka lacks (100,000 at most);
    of both the age of the oldest in seconds.
    """

    contacts: int | None
    identity: int | None
    rows: int
    rows_seconds: float
    changes: int
    changes_seconds: float

    @property
    def late(self) -> bool:
        """Whether somebody should look, as far as times are known."""
        return max(self.rows_seconds, self.changes_seconds) > LATE


async def read_lag(settings: Settings) -> Lag:
    """How far each agent is behind. Raises NoGeneration, and what PostgreSQL raises."""
    async with connected(settings) as connection, connection.transaction(readonly=True):
        generation = await active_generation(connection, SCHEMA)
        await use_generation(connection, generation.name)
        folded = await next_offsets(connection)
        rows = await behind(connection)
        changes, oldest = await waiting(connection), await oldest_age(connection)
    events, evidence = (
        generation.topic_name(topic, settings.topic_prefix) for topic in (CHANNEL_EVENTS, IDENTITY_EVIDENCE)
    )
    contacts = await _left(settings, events, folded.get(events, {}))
    identity = await _left(settings, evidence, folded.get(evidence, {}))
    return Lag(contacts, identity, *rows, changes, oldest)


async def _left(settings: Settings, topic: str, folded: dict[int, int]) -> int | None:
    if not settings.kafka:
        return None
    try:
        ends = await log_ends(settings.kafka, topic)
    except (*BROKER_ERRORS, OSError, RuntimeError):
        return None
    return sum(max(0, end - folded.get(number, 0)) for number, end in ends.items())
