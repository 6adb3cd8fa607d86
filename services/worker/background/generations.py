"""Feeds every generation that this code can feed: the worker's own one itself, each other one by a child process.

A child is `onefold worker --generation NAME`, with the same settings. It ends when its generation is no longer fed, or
with the process that started it (`parent_process`).
"""

import asyncio
import os
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from projections.engine.generation_records import GenerationRecord
from projections.engine.generations import all_generations
from projections.registry import SCHEMA
from services.runtime.database import is_transient
from services.runtime.http import listen, own_metrics
from services.worker.adapters.postgres import Pool
from services.worker.background.generation_metrics import FedGeneration, metrics_of
from services.worker.parent_process import command_beside

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0  # seconds
_START_EVERY: Final = 5.0  # seconds between two starts of a child that keeps ending
_END_WITHIN: Final = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """Which generation a worker process feeds: the named one, or the active one at its start and all others beside it.

    ``beside`` is the id of the process that started it, with which it ends. ``health_fd`` is a listening socket that
    it was given for its health page.
    """

    generation: str | None = None
    beside: int | None = None
    health_fd: int | None = None

    def health_listener(self, host: str, port: int) -> socket.socket:
        """The socket for the health page: at this address only for a process that nobody started beside itself."""
        if self.health_fd is not None:
            return socket.socket(fileno=self.health_fd)
        return listen(host, port) if self.beside is None else listen("127.0.0.1", 0)


@dataclass(slots=True)
class _Child:
    process: Process
    port: int  # of its health page
    started_at: float


@dataclass(slots=True)
class FedGenerations:
    """Follows the table of generations until ``stop`` is set; `end` is called when the worker has nothing to feed.

    ``gone`` says that the own generation is not fed any more, or not one of the ``digest`` that this code folds.
    """

    pool: Pool
    own: str
    digest: str
    role: WorkerRole
    stop: asyncio.Event
    end: Callable[[], None]
    gone: bool = False
    _children: dict[str, _Child] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Start and end children as generations come and go. All have ended when it returns."""
        try:
            while not self.stop.is_set():
                await self._look()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), _LOOK_EVERY)
        finally:
            await asyncio.gather(*(self._end(name) for name in list(self._children)))

    async def metrics(self) -> bytes:
        """The metrics of this process and its children. A child's own page has them without labels of generations."""
        if self.role.beside is not None:
            return await own_metrics()
        fed = {self.own: FedGeneration(self._state(self.own), None)}
        fed |= {name: FedGeneration(self._state(name), child.port) for name, child in self._children.items()}
        return await metrics_of(fed)

    def _state(self, name: str) -> str:
        return self._states.get(name, "unknown")

    async def _look(self) -> None:
        try:
            async with self.pool.acquire() as connection:
                fed = {one.name: one for one in await all_generations(connection) if one.fed}
        except Exception as error:
            if not is_transient(error):
                raise
            return  # it is asked again
        self._states = {name: one.shown_state for name, one in fed.items()}
        if self.own not in fed or fed[self.own].schema_digest != self.digest:
            log.info("generation_ended", generation=self.own)
            self.gone = True
            self.end()
        elif self.role.generation is None:
            await self._feed({name for name, one in fed.items() if self._needs_a_child(one)})

    def _needs_a_child(self, one: GenerationRecord) -> bool:
        """Whether it is another one that this code can feed. A rebuild has workers of its own until it caught up."""
        return one.name != self.own and one.schema_digest == SCHEMA.digest and not one.loading

    async def _feed(self, wanted: set[str]) -> None:
        for name in self._children.keys() - wanted:
            await self._end(name)
        for name in sorted(wanted):
            child = self._children.get(name)
            ended = child is None or child.process.returncode is not None
            if ended and (child is None or time.monotonic() - child.started_at > _START_EVERY):
                log.info("generation_fed", generation=name)
                self._children[name] = await self._start(name)

    @staticmethod
    async def _start(name: str) -> _Child:
        with closing(listen("127.0.0.1", 0)) as listener:
            fd = listener.fileno()
            options = ("--generation", name, "--beside", str(os.getpid()), "--health-fd", str(fd))
            program = command_beside("worker", *options)
            process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.DEVNULL, pass_fds=(fd,))
            return _Child(process, listener.getsockname()[1], time.monotonic())

    async def _end(self, name: str) -> None:
        process = self._children.pop(name).process
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_WITHIN)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
