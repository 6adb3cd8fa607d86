"""Read models that were added or changed are built alone, from the log, while other code serves and writes the rest."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from random import Random
from typing import Any, Final

import asyncpg
import pytest
from rich.console import Console

from projections.engine.generation_records import FIRST
from projections.engine.generations import all_generations
from projections.engine.paces import FULL
from projections.registry import SCHEMA
from services.rebuild.choosing import CannotRebuild, Options
from services.rebuild.main import Rebuilt, rebuild
from services.runtime.broker import ensure_topics
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.worker.core.exit_status import EXIT_STUCK
from tests.support.families import history
from tests.support.other_code import OtherCode
from tests.support.polling import until
from tests.support.worlds import World, log_grows

pytestmark = pytest.mark.kafka

QUIET: Final = Console(stderr=True, quiet=True)
# Code that has no notifications, and another fold of consents.
OLDER: Final = {
    "projections/registry.py": ("CONSENTS, NOTIFICATIONS, BINDINGS)", "CONSENTS, BINDINGS)"),
    "projections/consents/folds.py": ("version=", "version=100 + "),
}


@pytest.fixture
def older(world: World) -> OtherCode:
    return OtherCode(world.home, OLDER)


async def migrated_by(older: OtherCode, world: World) -> None:
    """Have the read models made by the older code."""
    async with raw(world) as connection:
        await connection.execute("DROP SCHEMA g1 CASCADE; DELETE FROM onefold.generations")
    assert await finished(older.start(world.settings, world.home / "migrate.log", "migrate")) == 0
    await ensure_topics(world.settings)


async def finished(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, 180)


@asynccontextmanager
async def raw(world: World) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def folded(world: World, records: int) -> bool:
    async with raw(world) as connection:
        return bool(await connection.fetchval("SELECT sum(next_offset) >= $1 FROM g1.offsets", records))


async def tables(world: World, schema: str) -> set[str]:
    async with raw(world) as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    return {row["tablename"] for row in rows}


async def generations(world: World) -> Mapping[str, tuple[str, frozenset[str] | None]]:
    async with raw(world) as connection:
        return {one.name: (one.state, one.read_models) for one in await all_generations(connection)}


async def built(world: World, **options: Any) -> Rebuilt:
    return await rebuild(world.settings, Options(**options, share=FULL), QUIET)


@pytest.mark.long
async def test_new_and_changed_read_models_are_built_alone_while_older_code_writes(
    world: World, older: OtherCode
) -> None:
    await migrated_by(older, world)
    log = world.home / "older-worker.log"
    writer = older.start(world.settings, log, "worker")
    try:
        await world.append(*islice(history(Random(3)), 400))
        async with log_grows(world, 5, batch=5):
            await until(lambda: folded(world, 400), 240, log.read_text)
            result = await built(world, swap=True)
            assert result.building.read_models == frozenset({"notifications", "consents"})
            assert result.comparison is not None
            assert result.comparison.changed["notifications"] == "it is new"
            assert {one.place.read_model for one in result.comparison.places} == {"consents"}
            assert result.activated is not None, result.comparison
            assert await finished(writer) == EXIT_STUCK  # asks to be started again
        assert await finished(older.start(world.settings, log, "worker")) == EXIT_INCOMPATIBLE
        assert "onefold rebuild" in log.read_text()
    finally:
        writer.kill()
    assert await generations(world) == {FIRST: ("active", None), "g2": ("standby", frozenset({"consents"}))}
    worker = world.start_worker()
    await world.append(*islice(history(Random(4)), 100))
    await world.settle()
    await world.verify_holds()
    assert await worker.stop() == 0

    # Going back is the same command of the older code: its consents go on where they stood.
    log = world.home / "older-rebuild.log"
    assert await finished(older.start(world.settings, log, "rebuild", "--swap", "--share", "100%")) == 0, (
        log.read_text()
    )
    assert "notifications" not in await tables(world, FIRST)
    assert "notifications" in await tables(world, "g2")
    log = world.home / "older-verify.log"
    assert await finished(older.start(world.settings, log, "verify")) == 0, log.read_text()
    assert (await generations(world))["g2"] == ("standby", frozenset({"consents"}))

    # And forward again: nobody fed the notifications meanwhile, so they are built from the first record.
    result = await built(world, swap=True)
    assert result.activated is not None, result.comparison
    worker = world.start_worker()
    await world.settle()
    await world.verify_holds()
    assert await worker.stop() == 0


async def test_a_read_model_that_is_named_is_built_again_and_compared(world: World) -> None:
    await world.append(*islice(history(Random(3)), 300))
    worker = world.start_worker()
    await world.settle()
    async with raw(world) as connection:
        assert await connection.execute("DELETE FROM g1.contacts") != "DELETE 0"
    result = await built(world, swap=True, read_models=["contacts"])
    assert result.refused == ("contacts",)
    result = await built(world, swap=True, read_models=["contacts"], accepted=["contacts"])
    assert result.activated is not None
    await world.append(*islice(history(Random(4)), 100))
    await world.settle()
    await world.verify_holds()
    assert await worker.stop() == 0
    for name in ("members", "timeline", "nonsense"):
        with pytest.raises(CannotRebuild, match=rf"{name} can't be built alone"):
            await built(world, read_models=[name])


async def test_what_else_has_changed_is_not_left_out(world: World) -> None:
    async with raw(world) as connection:
        await connection.execute(
            "UPDATE onefold.generations SET schema_digest = 'former', "
            'model_digests = model_digests || \'{"tags": "former", "timeline": "former"}\''
        )
    with pytest.raises(CannotRebuild, match=r"More than that .*: timeline\. Run: onefold rebuild"):
        await built(world, read_models=["tags"])
    result = await built(world)
    assert result.building.read_models is None
    assert result.building.schema_digest == SCHEMA.digest


async def test_the_command_builds_a_named_read_model_and_says_what_it_did(world: World) -> None:
    await world.append(*islice(history(Random(3)), 200))
    worker = world.start_worker()
    await world.settle()
    status, output = await world.command("rebuild", "--read-model", "tags", "--share", "100%")
    assert status == 0, output
    assert "g2 is ready. To have it read: onefold generations activate g2" in output
    status, output = await world.command("generations", "list")
    assert status == 0, output
    assert "building, only tags" in output
    status, output = await world.command("rebuild", "--read-model", "tags", "--share", "100%", "--swap")
    assert status == 0, output
    assert "Built alone: tags. Writers waited" in output
    for options, reason in (
        (["--read-model", "timeline"], "timeline can't be built alone"),
        (["--share", "none"], "'none' is not a percentage from 1% to 100%"),
        (["--as-of", "yesterday"], "'yesterday' is no time"),
    ):
        status, output = await world.command("rebuild", *options)
        assert (status, reason in output) == (1, True), output
    assert await worker.stop() == 0
