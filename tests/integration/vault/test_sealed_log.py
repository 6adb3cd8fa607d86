"""A real worker on a log that is sealed in part: the rows of the plain log, and nothing of who is erased."""

import itertools
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from random import Random

import asyncpg
import pytest
from rich.console import Console

from projections.engine.paces import FULL
from projections.engine.topic_keys import contacts_key
from schemas.events import Event
from services.rebuild.choosing import Options
from services.rebuild.main import rebuild
from services.runtime.broker import log_ends
from services.runtime.contact_ids import id_of
from services.runtime.decoding import decode_records
from services.runtime.publishing import partition_of
from services.vault.master_keys import new_master_key
from services.vault.records import EncodedEvent, RecordToSend, SealedLog, open_log_sealing
from services.verify.log_reader import LogReader, TopicEvents
from services.verify.stored_bytes import ByteSearch, search_files
from tests.support.families import history
from tests.support.identity_events import event
from tests.support.polling import until
from tests.support.worlds import World, producer

pytestmark = pytest.mark.kafka
PLANTED = "whatsapp:n1:886955123987"
PHONE = "+886955123987"
ERASED = "whatsapp:n1:886955123988"


async def test_a_sealed_log_gives_the_rows_of_the_plain_one_and_nothing_of_an_erased_contact(
    world: World, tmp_path: Path
) -> None:
    keys = tmp_path / "master.keys"
    keys.write_text(new_master_key())
    world.settings = world.settings.model_copy(update={"master_key_file": keys})
    events = list(itertools.islice(history(Random(5)), 300))
    bound = event(PLANTED, "identity.bound", {"identifiers": [{"type": "phone", "value": PHONE}]}, at=1)
    async with open_log_sealing(world.settings, name="test") as sealing:
        assert isinstance(sealing, SealedLog)
        await world.append(*events[:100])  # from before there were keys, some of the same contacts
        await produce(world, await sealed(sealing, events[100:]))
        world.start_worker()
        await world.settle()
        await world.verify_holds()
        found = [one.event for one in (await opened(world, sealing)).events]
        assert sorted(map(repr, found)) == sorted(map(repr, events))

        records = await sealed(sealing, [bound])
        connection = await asyncpg.connect(world.settings.database_url)
        async with connection.transaction():
            assert await sealing.vault.destroy(connection, bound.tenant, [PLANTED]) == 1
        await connection.close()
        await produce(world, [*records, *await sealed(sealing, events[:5])])
        await world.settle()
        await world.verify_holds()

        async def key_is_forgotten() -> bool:  # within a second: until then, a process uses the keys that it has
            return (await opened(world, sealing)).erased == 1

        await until(key_is_forgotten, 240, "the destroyed key is still used")
        left = await opened(world, sealing)
        assert (left.erased, left.dead_letters, len(left.events)) == (1, 0, len(events) + 5)
        again = event(PLANTED, "contact.followed", {}, at=2)
        await produce(world, await sealed(sealing, [again]))  # the person comes anew, under a new key
        await world.settle()
        await world.verify_holds()
        assert again in [one.event for one in (await opened(world, sealing)).events]
        await erased_events_stay_known_though_their_records_cannot_be_read(world, sealing)
    search = ByteSearch(f"{PLANTED}\n{PHONE}\n{PHONE[1:]}\n")
    assert search_files(search, world.partition_folders(), leave_out=keys).found == []


async def erased_events_stay_known_though_their_records_cannot_be_read(world: World, sealing: SealedLog) -> None:
    """The log gives their hashes no more: neither is that a difference, nor does another generation lack them."""
    known = event(ERASED, "identity.bound", {"identifiers": [{"type": "phone", "value": PHONE}]}, at=3)
    await produce(world, await sealed(sealing, [known]))
    await world.settle()
    await produce(world, await sealed(sealing, [event(ERASED, "contact.erased", {"request_id": "r1"}, at=4)]))
    await world.settle()
    async with world.connection() as connection:
        assert await sealing.vault.destroy(connection, known.tenant, [ERASED]) == 1
    await world.verify_holds()
    result = await rebuild(world.settings, Options(swap=True, share=FULL), Console(stderr=True, quiet=True))
    assert result.activated is not None, result.comparison
    async with world.connection() as connection:
        for table in ("erased_events", "erased_statements"):
            before, after = [await connection.fetch(f"SELECT * FROM {of}.{table} ORDER BY 3") for of in ("g1", "g2")]
            assert set(before) <= set(after)
            assert known.tenant in {row["tenant"] for row in before}


async def sealed(sealing: SealedLog, events: Iterable[Event]) -> list[RecordToSend]:
    return await sealing.channel_records([EncodedEvent.of(one) for one in events])


async def produce(world: World, records: Iterable[RecordToSend]) -> None:
    partitions = len(await log_ends(world.settings.kafka_servers, world.topic))
    async with producer(world.settings) as sender:
        for key, value, place in records:
            await sender.send_and_wait(world.topic, value, key, partition=partition_of(place, partitions))


async def opened(world: World, sealing: SealedLog) -> TopicEvents:
    reader = LogReader(world.settings.kafka_servers, lambda _: None, sealing)
    decode = partial(decode_records, id_of=id_of(world.settings.master_key), key_of=contacts_key)
    return await reader.events(world.topic, await log_ends(world.settings.kafka_servers, world.topic), decode)
