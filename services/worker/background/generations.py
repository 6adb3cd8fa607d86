"""Feeds every generation that this code can feed: the worker's own one itself, each other one by a child process.

A child is `onefold worker --generation NAME`, with the same settings. It ends when its generation is no longer fed, or
when the process that started it has ended.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from projections.engine.generations import BUILDING, GenerationRecord, all_generations
from projections.registry import SCHEMA
from services.runtime.database import is_transient
from services.worker.adapters.postgres import Pool

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0  # seconds
_START_EVERY: Final = 5.0  # seconds between two starts of a child that keeps ending
_END_WITHIN: Final = 15.0  # seconds
_CLI: Final = ("-c", "from services.cli import app; app()")


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """Which generation a worker process feeds: the named one, or the active one at its start and all others beside it.

    ``beside`` is the id of the process that started it, with which it ends.
    """

    generation: str | None = None
    beside: int | None = None


@dataclass(slots=True)
class _Child:
    process: Process
    started_at: float


@dataclass(slots=True)
class FedGenerations:
    """Follows the table of generations until ``stop`` is set; `end` is called when the worker has nothing to feed.

    ``gone`` says that the own generation is not fed any more.
    """

    pool: Pool
    own: str
    role: WorkerRole
    stop: asyncio.Event
    end: Callable[[], None]
    gone: bool = False
    _children: dict[str, _Child] = field(default_factory=dict)

    async def run(self) -> None:
        """Start and end children as generations come and go. All have ended when it returns."""
        try:
            while not self.stop.is_set():
                await self._look()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), _LOOK_EVERY)
        finally:
            await asyncio.gather(*(self._end(name) for name in list(self._children)))

    async def _look(self) -> None:
        if self.role.beside not in {None, os.getppid()}:
            self.end()
            return
        try:
            async with self.pool.acquire() as connection:
                fed = {one.name: one for one in await all_generations(connection) if one.fed}
        except Exception as error:
            if not is_transient(error):
                raise
            return  # it is asked again
        if self.own not in fed:
            log.info("generation_ended", generation=self.own)
            self.gone = True
            self.end()
        elif self.role.generation is None:
            await self._feed({name for name, one in fed.items() if self._needs_a_child(one)})

    def _needs_a_child(self, one: GenerationRecord) -> bool:
        """Whether it is another one that this code can feed. A rebuild has workers of its own until it caught up."""
        loading = one.state == BUILDING and one.caught_up_at is None
        return one.name != self.own and one.schema_digest == SCHEMA.digest and not loading

    async def _feed(self, wanted: set[str]) -> None:
        for name in self._children.keys() - wanted:
            await self._end(name)
        for name in sorted(wanted):
            child = self._children.get(name)
            ended = child is None or child.process.returncode is not None
            if ended and (child is None or time.monotonic() - child.started_at > _START_EVERY):
                log.info("generation_fed", generation=name)
                self._children[name] = _Child(await self._start(name), time.monotonic())

    @staticmethod
    async def _start(name: str) -> Process:
        options = ("--generation", name, "--beside", str(os.getpid()))
        return await asyncio.create_subprocess_exec(
            sys.executable, *_CLI, "worker", *options, stdin=asyncio.subprocess.DEVNULL
        )

    async def _end(self, name: str) -> None:
        process = self._children.pop(name).process
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_WITHIN)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
