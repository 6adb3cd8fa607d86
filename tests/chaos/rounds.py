"""Rounds of faults on an installation that is sent events all the time, and the checks in the end."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import UUID

from projections.engine.generation_records import BUILDING, STANDBY
from tests.chaos.faults import FAULTS, REBUILD, REBUILD_COMMAND, note_end_of_rebuild, start_rebuild, swap
from tests.chaos.installation import Installation
from tests.chaos.sender import Sender
from tests.support.streams import consumed
from tests.support.worlds import World

_BY_TURNS: Final = {start_rebuild.__name__, swap.__name__}
_ENDS_WITHIN: Final = 300.0  # seconds, a rebuild in peace

Plan = Sequence[str]  # the names of the faults of one round


@dataclass(frozen=True, slots=True)
class Round:
    """What was done, and after how many seconds everything was folded again."""

    number: int
    done: Sequence[str]
    came_back_after: float
    acknowledged: int
    active: str  # the active generation at its end


def plans(seed: int, rounds: int) -> Iterator[Plan]:
    """Which faults each round has, one to three at once; beside a rebuild that is begun, or a swap, by turns."""
    for number in range(rounds):
        rng = Random(f"plan/{seed}/{number}")
        faults = rng.sample(sorted(FAULTS.keys() - _BY_TURNS), rng.choice((1, 2, 2, 3)))
        yield [(swap if number % 2 else start_rebuild).__name__, *faults]


async def play(
    installation: Installation, sender: Sender, seed: int, planned: Iterator[Plan], show: Callable[[Round], None]
) -> list[Round]:
    """Play the rounds and check everything in the end. Raises AssertionError with what is wrong."""
    played = []
    async with sender.sending():
        for number, plan in enumerate(planned, 1):
            played.append(await _round(installation, sender, number, plan, Random(f"round/{seed}/{number}")))
            show(played[-1])
            assert not installation.wrong, "\n".join(installation.wrong)
    assert installation.there_and_back or len(played) < len(_BY_TURNS), "no round swapped, and swapped back"
    await _end_of_rebuild(installation)
    await check(installation, sender)
    for one in await installation.generations():
        if one.state == STANDBY:
            await _commanded(installation, "generations", "activate", one.name)
            await check(installation, sender)
    assert not installation.wrong, "\n".join(installation.wrong)
    return played


async def _round(installation: Installation, sender: Sender, number: int, plan: Plan, rng: Random) -> Round:
    done = await asyncio.gather(*(_fault(installation, name, Random(rng.random())) for name in plan))
    began = time.monotonic()
    await installation.comes_back()
    note_end_of_rebuild(installation)
    took = time.monotonic() - began
    return Round(number, done, took, len(sender.account.acknowledged), await installation.active())


async def _fault(installation: Installation, name: str, rng: Random) -> str:
    await asyncio.sleep(rng.uniform(0, 2))
    return await FAULTS[name](installation, rng)


async def _end_of_rebuild(installation: Installation) -> None:
    """An interrupted rebuild goes on in peace and finds no difference."""
    if (running := installation.running.get(REBUILD)) is not None:
        await running.ended(_ENDS_WITHIN)
        note_end_of_rebuild(installation)
    if any(one.state == BUILDING for one in await installation.generations()):
        await _commanded(installation, *REBUILD_COMMAND)


async def _commanded(installation: Installation, *command: str) -> None:
    process = installation.start(command[0], *command)
    status = await process.ended(_ENDS_WITHIN)
    assert status == 0, f"{' '.join(command)} ended with {status}\n{process.log.read_text(errors='replace')}"


async def check(installation: Installation, sender: Sender) -> None:
    """`verify` holds, the account agrees, a listener has the membership, and no event was set aside."""
    world = installation.world
    await world.settle(180)
    await world.verify_holds()
    await sender.account.agree(world)
    assert await _heard(world) == await world.membership(), "a listener of customer-changes has another membership"
    assert not (letters := await world.dead_letters()), f"{len(letters)} dead letters"


async def _heard(world: World) -> dict[UUID, list[str]]:
    """What a listener believes that ignores what it has processed already, as the documentation asks of it."""
    processed: set[tuple[UUID, int, int]] = set()
    heard = []
    for one in await world.changes():
        place = (one.customer_id, one.seq, one.part)
        if place not in processed:
            processed.add(place)
            heard.append(one)
    return consumed(heard)
