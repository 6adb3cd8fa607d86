"""The faults, by name. Each is given the installation and its own source of randomness, and says what it has done.

When one returns, what it broke has been started again.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Final

from projections.engine.generation_records import ACTIVE, STANDBY
from tests.chaos.installation import INGRESS, Installation
from tests.support.servers import OwnServer, signal_tree
from tests.support.worker_processes import WorkerProcess

Fault = Callable[[Installation, Random], Awaitable[str]]
REBUILD: Final = "rebuild"
# It does not give way, since the service is sent events all the time.
REBUILD_COMMAND: Final = (REBUILD, "--swap", "--share", "100%")
_REBUILT_WITHIN: Final = 900.0  # seconds, with what other faults do to it meanwhile
_SWAPPED_WITHIN: Final = 240.0
_DONE: Final = ": done"
_MOST_GENERATIONS: Final = 2  # that are there when another one is begun
_DIFFERS: Final = "differs from"  # what a rebuild says that has found a difference


async def kill_worker(installation: Installation, rng: Random) -> str:
    """`kill -9`, and a new one at once or some seconds later."""
    name, pause = rng.choice(installation.workers), rng.choice((0.0, rng.uniform(0, 5)))
    async with installation.broken(name) as process:
        process.kill()
        await asyncio.sleep(pause)
    return f"{name} killed, again after {pause:.1f} s"


async def pause_worker(installation: Installation, rng: Random) -> str:
    """SIGSTOP for longer than the session time-out, with or without its children."""
    name, whole = rng.choice(installation.workers), rng.random() < 0.5
    session = installation.world.settings.session_timeout
    pause = rng.uniform(session + 1, 5 * session)
    async with installation.broken(name) as process:
        _signal(process, signal.SIGSTOP, whole=whole)
        await asyncio.sleep(pause)
        _signal(process, signal.SIGCONT, whole=True)
    return f"{name} paused for {pause:.1f} s"


async def restart_worker(installation: Installation, rng: Random) -> str:
    """SIGTERM, which must end it in order, and a new one."""
    name = rng.choice(installation.workers)
    async with installation.broken(name) as process:
        if (status := await process.stop()) not in {0, 75}:
            installation.wrong.append(f"{name} was stopped and ended with {status}\n{process.output}")
    return f"{name} restarted"


async def kill_ingress(installation: Installation, rng: Random) -> str:
    """`kill -9`, and a new one."""
    pause = rng.uniform(0, 3)
    async with installation.broken(INGRESS) as process:
        process.kill()
        await asyncio.sleep(pause)
    return f"ingress killed, again after {pause:.1f} s"


async def pause_ingress(installation: Installation, rng: Random) -> str:
    """SIGSTOP for some seconds."""
    pause = rng.uniform(1, 8)
    async with installation.broken(INGRESS) as process:
        process.suspend()
        await asyncio.sleep(pause)
        process.resume()
    return f"ingress paused for {pause:.1f} s"


async def kill_broker(installation: Installation, rng: Random) -> str:
    """`kill -9` of a broker, and the same one again."""
    return await _killed(installation, rng, rng.choice(installation.brokers), "a broker")


async def pause_broker(installation: Installation, rng: Random) -> str:
    """SIGSTOP of a broker for longer than the session time-out."""
    return await _paused(installation, rng, rng.choice(installation.brokers), "a broker")


async def kill_postgres(installation: Installation, rng: Random) -> str:
    """`kill -9` of PostgreSQL, and the same one again."""
    return await _killed(installation, rng, installation.postgres, "PostgreSQL")


async def pause_postgres(installation: Installation, rng: Random) -> str:
    """SIGSTOP of PostgreSQL with all its children."""
    return await _paused(installation, rng, installation.postgres, "PostgreSQL")


async def start_rebuild(installation: Installation, rng: Random) -> str:
    """Begin a rebuild, or go on with an interrupted one, unless one runs."""
    if _is_running(installation, REBUILD):
        return "a rebuild goes on"
    note_end_of_rebuild(installation)
    if len(await installation.generations()) > _MOST_GENERATIONS:
        return "enough generations"
    installation.start(REBUILD, *REBUILD_COMMAND, "--workers", str(rng.randint(1, 2)))
    return "rebuild started"


async def kill_rebuild(installation: Installation, rng: Random) -> str:
    """`kill -9` of a rebuild at some moment."""
    await asyncio.sleep(rng.uniform(0, 6))
    if not _is_running(installation, REBUILD):
        return "no rebuild to kill"
    installation.running[REBUILD].kill()
    return "rebuild killed"


async def swap(installation: Installation, rng: Random) -> str:
    """Activate a generation on standby, and then the former one again; each may be killed at some moment.

    What was killed, or failed, is done again in peace, until it is through. If none is on standby, a rebuild is begun
    or goes on, as often as another fault ends it.
    """
    done: list[str] = []
    async with installation.swap_lock:
        names = await _on_standby(installation)
        if not names:
            installation.wrong.append(f"no generation to swap with\n{installation.running[REBUILD].output}")
            return "nothing to swap with"
        former = await installation.active()
        went = await _activate(installation, rng, rng.choice(names), done)
        if went and await _activate(installation, rng, former, done):
            installation.there_and_back += 1
    return "; ".join(done)


async def _activate(installation: Installation, rng: Random, name: str, done: list[str]) -> bool:
    """Whether the generation was activated; it is noted as wrong if not."""
    until = time.monotonic() + _SWAPPED_WITHIN
    done.append(await _commanded(installation, rng, "activate", name))
    while not done[-1].endswith(_DONE):
        if time.monotonic() > until:
            installation.wrong.append("; ".join(done))
            return False
        done.append(await _commanded(installation, None, "activate", name))
    return True


async def _on_standby(installation: Installation) -> list[str]:
    """The names of the generations on standby, once a rebuild has made one; none if that takes too long."""
    until = time.monotonic() + _REBUILT_WITHIN
    while True:
        names = [one.name for one in await installation.generations() if one.state == STANDBY]
        left = until - time.monotonic()
        if names or left <= 0:
            return names
        if not _is_running(installation, REBUILD):
            note_end_of_rebuild(installation)
            installation.start(REBUILD, *REBUILD_COMMAND, "--workers", "1")
        with suppress(AssertionError):  # it goes on
            await installation.running[REBUILD].ended(left)


async def drop(installation: Installation, rng: Random) -> str:
    """Drop a generation that is not the active one, before or after a swap there and back."""
    async with installation.swap_lock:
        found = [one for one in await installation.generations() if one.state != ACTIVE]
        if not found:
            return "nothing to drop"
        if _is_running(installation, REBUILD):
            found = [one for one in found if one.state == STANDBY] or found
        return await _commanded(installation, rng, "drop", rng.choice(found).name)


def note_end_of_rebuild(installation: Installation) -> None:
    """Note as wrong if the last rebuild found a difference. That it failed for want of a server is not wrong."""
    process = installation.running.get(REBUILD)
    if process is not None and not process.running and _DIFFERS in process.output:
        installation.wrong.append(f"a rebuild found a difference\n{process.log.read_text(errors='replace')}")


async def _commanded(installation: Installation, rng: Random | None, *command: str) -> str:
    """What became of the command; it may be killed, unless there is no randomness."""
    process = installation.start("generations", "generations", *command)
    title = " ".join(command)
    if rng is not None and rng.random() < 0.3:
        await asyncio.sleep(rng.uniform(0, 3))
        if process.running:
            process.kill()
            return f"{title}: killed"
    status = await process.ended(150)
    return f"{title}{_DONE if status == 0 else f': status {status}, {_last_line(process)}'}"


def _last_line(process: WorkerProcess) -> str:
    return (process.output.strip().splitlines() or ["nothing said"])[-1][:150]


async def _killed(installation: Installation, rng: Random, server: OwnServer, title: str) -> str:
    async with installation.server_lock:
        pause = rng.uniform(0, 4)
        await server.kill()
        await asyncio.sleep(pause)
        await server.start()
    return f"{title} killed, again after {pause:.1f} s"


async def _paused(installation: Installation, rng: Random, server: OwnServer, title: str) -> str:
    async with installation.server_lock:
        pause = rng.uniform(1, 5 * installation.world.settings.session_timeout)
        server.suspend()
        await asyncio.sleep(pause)
        server.resume()
    return f"{title} paused for {pause:.1f} s"


def _is_running(installation: Installation, name: str) -> bool:
    return name in installation.running and installation.running[name].running


def _signal(process: WorkerProcess, number: signal.Signals, *, whole: bool) -> None:
    if whole:
        signal_tree(process.pid, number)
    else:
        process.suspend()


FAULTS: Final[Mapping[str, Fault]] = {
    one.__name__: one
    for one in (
        kill_worker,
        pause_worker,
        restart_worker,
        kill_ingress,
        pause_ingress,
        kill_broker,
        pause_broker,
        kill_postgres,
        pause_postgres,
        start_rebuild,
        kill_rebuild,
        swap,
        drop,
    )
}
