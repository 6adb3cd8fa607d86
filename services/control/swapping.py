"""Makes another generation the active one, in one transaction, and announces what differs in membership."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from projections.comparable import REMEMBERED
from projections.engine.connection import Connection
from projections.engine.generation_records import ACTIVE, BUILDING, GenerationRecord, NoGeneration
from projections.engine.generation_tables import index_for_readers, use_generation
from projections.engine.generations import (
    all_generations,
    exchange,
    find_generation,
    lock_generations,
    release_hold,
    stop_chunks,
)
from projections.engine.holds import Vector, missing
from projections.engine.offsets import next_offsets
from projections.erasures.store import carry_over
from projections.identity.outbox import append_to_outbox
from projections.identity.resolutions import tenants_to_roll_out
from projections.identity.store.generations import adopt_outbox, membership_difference
from projections.identity.takeover import takeover_changes
from projections.registry import SCHEMA, schema_of
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.control.activation import Activated, CannotActivate, NotCaughtUp, connected
from services.control.adopting import put_in
from services.control.nearing import Nearing, attempts
from services.runtime.broker import log_ends
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.1


async def activate(
    settings: Settings, name: str, *, unchecked: bool = False, wait: float = 60.0, stopped: float = 10.0
) -> Activated:
    """Make the generation the active one; the former one goes on beside it, so that going back is the same call.

    It waits until the generation is nearly as far as the active one, then at most ``stopped`` seconds for the rest,
    while the workers of the active one wait, too. Readers do not. If that was too short, they go on and it tries again,
    until ``wait`` seconds have passed. ``unchecked`` leaves out whether the two were compared. If the generation is of
    some read models, these are put into the active one. Raises CannotActivate, NoSuchGeneration, and what PostgreSQL
    and Kafka raise.
    """
    async with connected(settings) as connection:
        former, following = await _pair(connection, name, unchecked=unchecked)
        if former.name == name:
            return Activated(name, None, 0)
        if following.read_models is not None:
            took = await put_in(settings, former, following, wait=wait, stopped=stopped)
            return Activated(former.name, None, 0, took)
        swap = _Swap(settings, connection, former, following)
        await index_for_readers(connection, name, SCHEMA)
        await release_hold(connection, name)

        async def attempt(nearing: Nearing) -> Activated:
            await swap.until_near(nearing)
            async with connection.transaction():
                await lock_generations(connection)
                if await _pair(connection, name, unchecked=unchecked) != (former, following):
                    raise CannotActivate("The generations have changed meanwhile. Try again.")
                await stop_chunks(connection, former.name)
                began = time.monotonic()
                changes = await swap.exchanged(stopped)
            return Activated(name, former.name, changes, time.monotonic() - began)

        return await attempts(attempt, wait, stopped)


async def _pair(connection: Connection, name: str, *, unchecked: bool) -> tuple[GenerationRecord, GenerationRecord]:
    """The active generation and the named one, if it may take its place."""
    following = await find_generation(connection, name)
    active = next((one for one in await all_generations(connection) if one.state == ACTIVE), None)
    if active is None:
        raise NoGeneration(NoGeneration.__doc__)
    if active != following:
        _check(active, following, unchecked=unchecked)
    return active, following


def _check(active: GenerationRecord, following: GenerationRecord, *, unchecked: bool) -> None:
    name = following.name
    if following.partial:
        raise CannotActivate(f"{name} leaves a part of the log out on purpose, so it can't become the active one.")
    if not following.fed:
        raise CannotActivate(f"{name} is retired: nothing was folded into it since. Build another one: onefold rebuild")
    if following.schema_digest != schema_of(following.read_models).digest:
        raise CannotActivate(f"{name} was made by another version of Onefold: activate it with the code that made it.")
    if following.changes_suffix != active.changes_suffix:
        raise CannotActivate(f"{name} announces its changes to another topic than {active.name}, the active one.")
    if following.state == BUILDING and following.compared_at is None and not unchecked:
        raise CannotActivate(
            f"{name} was not compared with {active.name}, or differs in what was not accepted. `onefold rebuild` "
            "compares them; --unchecked does without."
        )


@dataclass(frozen=True, slots=True)
class _Swap:
    """The way from one generation to the other."""

    settings: Settings
    connection: Connection
    former: GenerationRecord
    following: GenerationRecord

    async def until_near(self, nearing: Nearing) -> None:
        """Wait until little is left, and workers go on with it. Raises NotCaughtUp."""
        while True:
            left = await self._records_left()
            rolling_out = await self._to_roll_out()
            if not rolling_out and nearing.is_near(time.monotonic(), await self._folded(), left):
                return
            await self._pause(nearing.deadline, left + rolling_out)

    async def exchanged(self, within: float) -> int:
        """Exchange the two in the caller's transaction, in which the former one's chunks were stopped.

        Returns how many changes were announced. Raises NotCaughtUp.
        """
        deadline = time.monotonic() + within
        while left := await self._records_left() or await self._to_roll_out():
            await self._pause(deadline, left)
        await stop_chunks(self.connection, self.following.name)
        await carry_over(self.connection, self.former.name, self.following.name, REMEMBERED)
        await adopt_outbox(self.connection, self.former.name, self.former.changes_suffix)
        moved = await membership_difference(self.connection, self.former.name, self.following.name)
        await use_generation(self.connection, self.following.name)
        cause = (time.time_ns() // 1_000_000, f"generation:{self.following.name}")
        own_id, region = id_of(self.settings.master_key), self.settings.default_region
        found = await takeover_changes(self.connection, moved, cause, own_id, region)
        await exchange(self.connection, self.former, self.following.name, SCHEMA)
        await append_to_outbox(self.connection, found)
        return len(found)

    async def _pause(self, deadline: float, left: int) -> None:
        if time.monotonic() > deadline:
            raise NotCaughtUp(
                f"{self.following.name} has not caught up with {self.former.name}: {left:,} records or policies are "
                "left. Are its workers running? Try again."
            )
        await asyncio.sleep(_LOOK_EVERY)

    async def _records_left(self) -> int:
        """How many records the following one is behind: those of the log, and of its evidence."""
        there = await self._offsets(self.following)
        ends = await log_ends(self.settings.kafka_servers, self._evidence)
        here = await self._offsets(self.former)
        return missing(here.get(self._log, {}), there.get(self._log, {})) + missing(ends, there.get(self._evidence, {}))

    async def _folded(self) -> int:
        """How many records the following one has folded."""
        return sum(sum(one.values()) for one in (await self._offsets(self.following)).values())

    @property
    def _log(self) -> str:
        return CHANNEL_EVENTS.full_name(self.settings.topic_prefix)

    @property
    def _evidence(self) -> str:
        return self.following.generation.topic_name(IDENTITY_EVIDENCE, self.settings.topic_prefix)

    async def _to_roll_out(self) -> int:
        async with self.connection.transaction():
            await use_generation(self.connection, self.following.name)
            return len(await tenants_to_roll_out(self.connection))

    async def _offsets(self, of: GenerationRecord) -> Mapping[str, Vector]:
        async with self.connection.transaction():
            await use_generation(self.connection, of.name)
            return await next_offsets(self.connection)
