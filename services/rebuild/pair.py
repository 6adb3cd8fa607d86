"""The active generation and the one that is built beside it: where each stands in the log."""

from dataclasses import dataclass

from projections.engine.connection import Connection
from projections.engine.generation_records import GenerationRecord
from projections.engine.holds import OffsetHold, Vector, ahead, furthest, missing, set_hold
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.rebuild.adapters.postgres import Offsets, composed, offsets_of, rolling_out
from services.rebuild.core.progress import Reached, RebuildPositions
from services.runtime.broker import log_ends
from services.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class GenerationPair:
    """The two generations, and a connection to the control tables."""

    settings: Settings
    control: Connection
    active: GenerationRecord
    building: GenerationRecord

    @property
    def customers_too(self) -> bool:
        """Whether the one that is built has customer rows to compare: made of all read models and all events."""
        return self.building.read_models is None and not self.building.partial

    @property
    def identity_too(self) -> bool:
        """Whether identity is compared: the one that is built has all read models, and evidence of its own."""
        return self.building.read_models is None

    @property
    def url(self) -> str:
        """PostgreSQL's URL."""
        return self.settings.database_url

    @property
    def log(self) -> str:
        """The name of the topic of channel events."""
        return CHANNEL_EVENTS.full_name(self.settings.topic_prefix)

    async def evidence_ends(self, of: GenerationRecord) -> Vector:
        """The ends of a generation's topic of evidence."""
        return await log_ends(self.settings.kafka_servers, self._evidence(of))

    async def offsets(self, of: GenerationRecord) -> Offsets:
        """The next offsets of a generation, by topic."""
        return await offsets_of(self.control, of.name)

    async def begin_loading(self) -> Vector:
        """Let the one that is built fold the log as far as the active one is, without identity; returns how far.

        One that is partial goes to the end of the log, and is not held.
        """
        if self.building.partial:
            await self._hold({self.evidence: {}})
            return await log_ends(self.settings.kafka_servers, self.log)
        end = await self._furthest()
        await self._hold({self.log: end, self.evidence: {}})
        return end

    async def begin_resolving(self, loaded: Vector) -> None:
        """Let identity read its evidence, and the one that is built stay where it is in the log."""
        await self._hold(None if self.building.partial else {self.log: loaded})

    async def move_hold(self) -> Vector | None:
        """Let the one that is built go on to where the active one is; returns that. None if it is not held.

        Where it is ahead already, it is held where it is.
        """
        if self.building.partial:
            return None
        hold = await self._furthest()
        await self._hold({self.log: hold})
        return hold

    async def has_loaded(self, end: Vector) -> bool:
        """Whether the one that is built has folded the log up to these offsets."""
        return ahead((await self.offsets(self.building)).get(self.log, {}), end)

    async def positions(self, hold: Vector | None) -> RebuildPositions:
        """How far each partition of the log, and of the evidence, has been folded."""
        found = await self.offsets(self.building)
        topics = {self.log: await log_ends(self.settings.kafka_servers, self.log) if hold is None else hold}
        if self.identity_too:
            topics[self.evidence] = await self.evidence_ends(self.building)
        return {
            (topic, number): Reached(found.get(topic, {}).get(number, 0), end)
            for topic, ends in topics.items()
            for number, end in sorted(ends.items())
        }

    async def active_progress(self) -> tuple[int, int]:
        """How many records the active generation has folded, those of evidence included, and how many are left."""
        found = await self.offsets(self.active)
        topics = (self.log, self._evidence(self.active))
        ends = [await log_ends(self.settings.kafka_servers, one) for one in topics]
        left = sum(missing(end, found.get(one, {})) for one, end in zip(topics, ends, strict=True))
        return sum(sum(found.get(one, {}).values()) for one in topics), left

    async def records_ahead(self) -> int:
        """How many records of the log the active generation has not folded, of those that are folded in the other."""
        here, there = await self.offsets(self.active), await self.offsets(self.building)
        return missing(there.get(self.log, {}), here.get(self.log, {}))

    async def stands_at(self, vector: Vector) -> bool:
        """Whether the one that is built has come to these offsets, with its evidence, policies and customer rows."""
        found = (await self.offsets(self.building)).get(self.log, {})
        if not ahead(found, vector):
            return False
        if await self.evidence_left(self.building) or await self.rolling_out():
            return False
        return not self.customers_too or await composed(self.control, self.building.name)

    async def rolling_out(self) -> bool:
        """Whether a tenant's policy is still being rolled out in the one that is built."""
        return self.identity_too and await rolling_out(self.control, self.building.name)

    @property
    def evidence(self) -> str:
        """The name of the topic of evidence of the one that is built."""
        return self._evidence(self.building)

    async def _furthest(self) -> Vector:
        here, there = await self.offsets(self.active), await self.offsets(self.building)
        return furthest(here.get(self.log, {}), there.get(self.log, {}))

    async def _hold(self, hold: OffsetHold | None) -> None:
        await set_hold(self.control, self.building.name, hold)

    async def evidence_left(self, of: GenerationRecord) -> int:
        """How many records of its evidence a generation has not read."""
        if not self.identity_too:
            return 0
        read = (await self.offsets(of)).get(self._evidence(of), {})
        ends = await self.evidence_ends(of)
        return sum(max(0, end - read.get(number, 0)) for number, end in ends.items())

    async def evidence_read(self, of: GenerationRecord) -> int:
        """How many records of its evidence a generation has read."""
        return sum((await self.offsets(of)).get(self._evidence(of), {}).values())

    def _evidence(self, of: GenerationRecord) -> str:
        return of.generation.topic_name(IDENTITY_EVIDENCE, self.settings.topic_prefix)
