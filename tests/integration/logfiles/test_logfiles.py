"""The log goes into files and comes back, record by record, and read models go on with it or are folded anew."""

import asyncio
import gc
import inspect
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from rich.console import Console

from projections.engine.followed_topics import read_followed
from services.logfiles.adoption import adopt
from services.logfiles.exporting import export
from services.logfiles.folder import WrongFolder
from services.logfiles.importing import CannotImport, Imported, ImportOptions, import_folder
from services.logfiles.keys import missing_keys
from services.logfiles.manifest import LogFile, Manifest
from services.rebuild.choosing import Options
from services.rebuild.main import rebuild
from services.runtime.broker import delete_topics, topics_of
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities
from services.vault.master_keys import new_master_key
from services.vault.records import EncodedEvent, open_log_sealing
from tests.support.families import history
from tests.support.polling import until
from tests.support.servers import own_kafka
from tests.support.workload import workload
from tests.support.worlds import World, read_all, settings_for

pytestmark = pytest.mark.kafka

FILE_BYTES = 20_000


def nothing(*_: int) -> None:
    """Shows nothing."""


def no_file(_: LogFile) -> None:
    """Shows nothing."""


async def exported(world: World, folder: Path) -> Manifest:
    return await export(world.settings, folder, (), nothing, FILE_BYTES)


async def imported(settings: Settings, folder: Path, **options: Any) -> Imported:
    return await import_folder(settings, folder, ImportOptions(**options), no_file, nothing)


async def contents(settings: Settings, topic: str) -> list[Any]:
    found = await read_all(settings.kafka_servers, topic)
    return sorted((one.partition, one.offset, one.timestamp, one.key, one.value, one.headers) for one in found)


def by_key(records: list[Any]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for one in sorted(records, key=lambda one: (one.partition, one.offset)):
        found.setdefault(one.key, []).append(one.value)
    return found


class Interrupted(Exception):
    """The import is ended in its middle."""


def unfinished_readers() -> list[Any]:
    generators = (one for one in gc.get_objects() if inspect.isasyncgen(one))
    return [one for one in generators if one.ag_frame is not None and one.__qualname__.startswith("RecordReader.")]


async def lose_topics(settings: Settings) -> None:
    """Delete all topics of the installation."""
    names = list((await topics_of(settings)).values())
    await delete_topics(settings, names)

    async def gone() -> bool:
        return not await topic_identities(settings.kafka_servers, names)

    await until(gone, 240, lambda: "the topics were not deleted")


async def test_a_lost_cluster_is_restored_from_files_and_read_models_go_on(world: World, tmp_path: Path) -> None:
    await world.append(*islice(history(Random(3)), 300))
    await world.produce(workload(2000, 200, seed=7))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    folder = tmp_path / "archive"
    manifest = await exported(world, folder)
    before = {name: await contents(world.settings, name) for name in (await topics_of(world.settings)).values()}
    async with own_kafka() as empty:
        world.settings = world.settings.model_copy(update={"kafka": empty.bootstrap})
        result = await imported(world.settings, folder)
        assert {name: await contents(world.settings, name) for name in before} == before
        assert result.written == sum(map(len, before.values()))
        assert await adopt(world.settings, result) == ["g1 goes on where it was: start the workers."]
        worker = world.start_worker()
        await world.append(*islice(history(Random(4)), 100))
        await world.settle()
        await world.verify_holds()
        rebuilt = await rebuild(world.settings, Options(swap=True, share=1.0), Console(stderr=True, quiet=True))
        assert rebuilt.activated is not None, rebuilt.comparison
        assert await worker.stop() == 0
    before_export = manifest.topics["channel-events"].topic_id
    async with world.connection() as connection:
        assert (await read_followed(connection, "g1"))[world.topic].topic_id != before_export


async def test_an_export_adds_what_the_folder_lacks_and_an_import_goes_on(world: World, tmp_path: Path) -> None:
    await world.produce(workload(1000, 100, seed=3))
    folder = tmp_path / "archive"

    def interrupt(done: int, _: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted) as ended:  # as a full disk ends it
        await export(world.settings, folder, (), interrupt, FILE_BYTES)
    assert not unfinished_readers(), ended  # the loop would write about them
    first = await exported(world, folder)
    await world.produce(workload(500, 100, seed=4))
    second = await exported(world, folder)
    assert second.topics["channel-events"].records == 1500
    for number, partition in first.topics["channel-events"].partitions.items():
        kept = second.topics["channel-events"].partitions[number].files[: len(partition.files)]
        assert kept == partition.files
    before = await contents(world.settings, world.topic)
    await lose_topics(world.settings)

    with pytest.raises(Interrupted):
        await import_folder(world.settings, folder, ImportOptions(), no_file, interrupt)
    partly = await contents(world.settings, world.topic)
    assert 0 < len(partly) < 1500
    assert (await imported(world.settings, folder)).written == 1500 - len(partly)
    assert await contents(world.settings, world.topic) == before
    assert (await imported(world.settings, folder)).written == 0
    await world.produce(workload(10, 10, seed=5))  # the log has gone on: nothing is imported, nothing is lost
    assert (await imported(world.settings, folder)).written == 0


async def test_a_topic_with_other_records_or_another_id_is_refused(world: World, tmp_path: Path) -> None:
    await world.produce(workload(200, 50, seed=3))
    folder = tmp_path / "archive"
    await exported(world, folder)
    await lose_topics(world.settings)
    await world.prepare()
    await world.produce(workload(200, 50, seed=4))
    with pytest.raises(WrongFolder, match="made again"):
        await exported(world, folder)
    with pytest.raises(CannotImport, match="other records"):
        await imported(world.settings, folder)


async def test_a_topic_that_was_made_again_is_added_to_the_files_and_both_come_back(
    world: World, tmp_path: Path
) -> None:
    chance = Random(3)
    await world.append(*islice(history(chance), 300))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    folder = tmp_path / "archive"
    await exported(world, folder)
    before = await contents(world.settings, world.topic)
    await lose_topics(world.settings)
    await world.prepare()
    await world.append(*islice(history(chance), 200))

    def interrupt(done: int, _: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        await export(world.settings, folder, (), interrupt, FILE_BYTES, append=True)
    await export(world.settings, folder, (), nothing, FILE_BYTES, append=True)
    await world.append(*islice(history(chance), 10))
    added = await contents(world.settings, world.topic)
    with pytest.raises(WrongFolder, match="records that the files do not have"):
        await imported(world.settings, folder, replace=True)
    status, output = await world.command("log", "export", str(folder), "--append")
    assert status == 0, output
    status, output = await world.command("log", "import", str(folder), "--replace")
    assert (status, "g1 goes on where it was" in output) == (0, True), output
    both = await contents(world.settings, world.topic)
    assert [one for one in both if one[:2] in {each[:2] for each in before}] == before
    behind = [one for one in both if one[:2] not in {each[:2] for each in before}]
    assert sorted(one[2:] for one in behind) == sorted(one[2:] for one in added)
    assert [one[0] for one in behind] == [one[0] for one in added], "in the partitions that they had"
    worker = world.start_worker()
    await world.settle()
    await world.verify_holds()
    assert await worker.stop() == 0
    with pytest.raises(WrongFolder, match="which was imported into it"):
        await export(world.settings, folder, (), nothing, FILE_BYTES, append=True)


async def test_a_log_whose_head_was_deleted_is_imported_only_with_other_offsets(world: World, tmp_path: Path) -> None:
    await world.produce(workload(400, 50, seed=3))
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.kafka_servers)
    await admin.start()
    await admin.delete_records({TopicPartition(world.topic, 1): RecordsToDelete(before_offset=5)})
    await admin.close()
    folder = tmp_path / "archive"
    manifest = await exported(world, folder)
    assert manifest.topics["channel-events"].partitions[1].begin == 5
    await lose_topics(world.settings)
    with pytest.raises(CannotImport, match="--renumber"):
        await imported(world.settings, folder)
    assert (await imported(world.settings, folder, renumber=True)).written == 395


async def test_records_are_spread_over_more_partitions_by_their_keys(world: World, tmp_path: Path) -> None:
    await world.produce(workload(600, 50, seed=3))
    before = await read_all(world.settings.kafka_servers, world.topic)
    folder = tmp_path / "archive"
    await exported(world, folder)
    await lose_topics(world.settings)
    await imported(world.settings, folder, renumber=True, partitions=7)
    after = await read_all(world.settings.kafka_servers, world.topic)
    assert len({one.partition for one in after}) > 4

    assert by_key(after) == by_key(before)
    assert len({(one.key, one.partition) for one in after}) == len({one.key for one in after})
    async with world.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM onefold.generations WHERE state = 'active'") == 1


@pytest.mark.long
async def test_a_broker_that_restarts_interrupts_neither_way(
    database: str, topic_prefix: str, tmp_path: Path, fork_server: Any
) -> None:
    async with own_kafka() as kafka:
        world = World(settings_for(kafka.bootstrap, database, topic_prefix, tmp_path), tmp_path, fork_server)
        await world.prepare()
        await world.produce(workload(20_000, 500, seed=3))
        before = await contents(world.settings, world.topic)
        folder = tmp_path / "archive"
        begun = asyncio.Event()

        def note(done: int, _: int) -> None:
            if done:
                begun.set()

        async def with_restart(work: Any) -> None:
            begun.clear()
            task = asyncio.create_task(work)
            await begun.wait()
            await kafka.kill()
            await kafka.start()
            await task

        await with_restart(export(world.settings, folder, (), note, FILE_BYTES))
        await lose_topics(world.settings)
        await with_restart(import_folder(world.settings, folder, ImportOptions(), no_file, note))
        assert await contents(world.settings, world.topic) == before


async def test_an_import_says_where_the_keys_of_sealed_records_are_missing(world: World, tmp_path: Path) -> None:
    keys = tmp_path / "master.keys"
    keys.write_text(new_master_key())
    plain = world.settings
    world.settings = plain.model_copy(update={"master_key_file": keys})
    async with open_log_sealing(world.settings, name="test") as sealing:
        records = await sealing.channel_records([EncodedEvent.of(one) for one in islice(history(Random(3)), 30)])
    await world.produce([(one.key, one.value) for one in records])
    folder = tmp_path / "archive"
    manifest = await exported(world, folder)
    assert await missing_keys(world.settings, folder, manifest) is None
    assert "ONEFOLD_MASTER_KEY_FILE is not set" in (await missing_keys(plain, folder, manifest) or "")
    async with world.connection() as connection:
        await connection.execute("DELETE FROM onefold_keys.subject_keys")
    await lose_topics(world.settings)
    status, output = await world.command("log", "import", str(folder))
    assert (status, "Restore the schema onefold_keys before you start" in output) == (0, True), output


async def test_the_commands_write_the_log_into_files_and_back(world: World, tmp_path: Path) -> None:
    await world.append(*islice(history(Random(3)), 50))
    before = await contents(world.settings, world.topic)
    folder = tmp_path / "archive"
    status, output = await world.command("log", "export", str(folder))
    assert status == 0, output
    assert f"{folder} has the personal data of all tenants." in output
    await lose_topics(world.settings)
    manifest, aside = folder / "manifest.json", tmp_path / "manifest.json"
    manifest.rename(aside)
    status, output = await world.command("log", "import", str(folder))
    assert (status, f"{folder} has no manifest.json" in output) == (1, True), output
    aside.rename(manifest)
    status, output = await world.command("log", "import", str(folder))
    assert status == 0, output
    assert f"{len(before)} records were imported." in output
    assert await contents(world.settings, world.topic) == before
    status, output = await world.command("log", "import", str(folder), "--partitions", "3")
    assert (status, "--partitions needs --renumber" in output) == (2, True), output


async def test_partitions_that_were_added_are_spread_anew_and_only_archived_records_deleted(
    world: World, tmp_path: Path
) -> None:
    records = list(workload(3000, 50, seed=3))
    earlier, later = records[:2500], records[2500:]
    await world.produce(earlier)
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.kafka_servers)
    await admin.start()
    await admin.create_partitions({world.topic: NewPartitions(11)})  # a contact's new partition may be the lower one
    await admin.close()
    await world.produce(later[:-1])
    folder = tmp_path / "archive"
    await exported(world, folder)
    await world.produce(later[-1:])
    anew = ImportOptions(renumber=True, partitions=11, replace=True)

    async def interrupted() -> None:
        def interrupt(done: int, _: int) -> None:
            if done:
                raise Interrupted

        with pytest.raises(Interrupted):
            await import_folder(world.settings, folder, anew, no_file, interrupt)

    with pytest.raises(WrongFolder, match="records that the files do not have"):
        await interrupted()
    assert len(await contents(world.settings, world.topic)) == 3000
    await exported(world, folder)
    await interrupted()
    assert 0 < len(await contents(world.settings, world.topic)) < 3000
    await import_folder(world.settings, folder, anew, no_file, nothing)
    written: dict[bytes, list[bytes]] = {}
    for key, value in records:
        written.setdefault(key, []).append(value)
    assert by_key(await read_all(world.settings.kafka_servers, world.topic)) == written
    with pytest.raises(WrongFolder, match="is not the topic that was exported"):
        await import_folder(world.settings, folder, anew, no_file, nothing)
    await lose_topics(world.settings)
    await interrupted()
    await world.produce(later[:1])
    with pytest.raises(WrongFolder, match="Something else has written"):
        await interrupted()
