"""Puts read models that were built alone into the active generation, while the others go on."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from projections.customers.store import compose_again
from projections.engine.adoption import adopt, unlike
from projections.engine.connection import Connection
from projections.engine.generation_records import GenerationRecord
from projections.engine.generation_tables import use_generation
from projections.engine.generations import find_generation, lock_generations, stop_chunks
from projections.engine.holds import Vector, ahead, missing, set_hold
from projections.engine.offsets import next_offsets
from projections.registry import SCHEMA, SINGLE, schema_of
from schemas.topics import CHANNEL_EVENTS
from services.control.activation import CannotActivate, NotCaughtUp, connected
from services.control.nearing import Nearing, attempts
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.05


async def put_in(
    settings: Settings, active: GenerationRecord, built: GenerationRecord, *, wait: float, stopped: float
) -> float:
    """Put the read models of ``built`` into the active generation, at the same offsets of the log.

    It waits until they are nearly as far as the active generation, then at most ``stopped`` seconds for the rest, while
    the workers of the active one wait, too. Readers do not. If that was too short, they go on and it tries again, until
    ``wait`` seconds have passed. Returns for how many seconds the workers waited. Raises CannotActivate.
    """
    check_read_models(active, built)
    async with connected(settings) as connection, connected(settings) as control:
        joining = _Adopting(connection, control, CHANNEL_EVENTS.full_name(settings.topic_prefix), active, built)

        async def attempt(nearing: Nearing) -> float:
            await joining.until_near(nearing)
            async with connection.transaction():
                await lock_generations(connection)
                now = [await find_generation(connection, one.name) for one in (active, built)]
                if [(one.state, one.schema_digest) for one in now] != [
                    (one.state, one.schema_digest) for one in (active, built)
                ]:
                    raise CannotActivate("The generations have changed meanwhile. Try again.")
                await stop_chunks(connection, active.name)
                began = time.monotonic()
                await joining.adopted(stopped)
            return time.monotonic() - began

        return await attempts(attempt, wait, stopped)


def check_read_models(active: GenerationRecord, built: GenerationRecord) -> None:
    """Raises CannotActivate if the active generation would not be one of this code with the read models."""
    models = built.read_models or frozenset()
    if built.schema_digest != schema_of(models & SINGLE).digest:
        raise CannotActivate(f"{built.name} was made by another version of Onefold: use the code that made it.")
    left = unlike(active, SCHEMA)
    if left is None or left - models:
        raise CannotActivate(
            f"{active.name} was made by another version of Onefold and differs in more than {', '.join(sorted(models))}"
            f". Build another one: onefold rebuild"
        )


@dataclass(frozen=True, slots=True)
class _Adopting:
    """The two generations; ``connection`` has the transaction, ``control`` sets what workers see meanwhile."""

    connection: Connection
    control: Connection
    log: str
    active: GenerationRecord
    built: GenerationRecord

    async def until_near(self, nearing: Nearing) -> None:
        """Let the read models come near to where the active generation is. Raises NotCaughtUp."""
        while True:
            end, reached = await self._hold(), await self._offsets(self.control, self.built)
            left = missing(end, reached)
            if nearing.is_near(time.monotonic(), sum(reached.values()), left):
                return
            await self._pause(nearing.deadline, left)

    async def adopted(self, within: float) -> None:
        """Put them in, in the caller's transaction, in which the chunks of the active one were stopped.

        Raises CannotActivate.
        """
        deadline = time.monotonic() + within
        end = await self._hold()
        while left := missing(end, await self._offsets(self.control, self.built)):
            await self._pause(deadline, left)
        await stop_chunks(self.connection, self.built.name)
        if self.built.read_models and not ahead(end, await self._offsets(self.connection, self.built)):
            raise CannotActivate(f"{self.built.name} is ahead of {self.active.name}. Are its workers running?")
        await adopt(self.connection, self.active, self.built, SCHEMA)
        await compose_again(self.connection)  # customer rows are made of the tables that were put in

    async def _hold(self) -> Vector:
        """Hold the read models at the active generation's offsets, which are returned; none if there is no table."""
        if not self.built.read_models:
            return {}
        end = await self._offsets(self.control, self.active)
        await set_hold(self.control, self.built.name, {self.log: end})
        return end

    async def _offsets(self, connection: Connection, of: GenerationRecord) -> Vector:
        async with connection.transaction():
            await use_generation(connection, of.name)
            return (await next_offsets(connection)).get(self.log, {})

    async def _pause(self, deadline: float, left: int) -> None:
        if time.monotonic() > deadline:
            raise NotCaughtUp(
                f"{self.built.name} has not caught up with {self.active.name}: {left:,} records are left. `onefold "
                "rebuild --swap` runs its workers and tries again."
            )
        await asyncio.sleep(_LOOK_EVERY)
