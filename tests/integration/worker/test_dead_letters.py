"""Records that are not events become dead letters, as they came and with the reason; the others are folded."""

import asyncio
import itertools
import json
from collections import Counter
from functools import partial
from random import Random
from typing import Any, Final, get_args

import pytest
from typer.testing import CliRunner, Result

from projections.engine.stages import Stage
from schemas.topics import DEAD_LETTERS, event_key
from services.cli import app
from services.embedded.service_processes import environment
from services.verify.dead_letters import each_once
from tests.support.polling import until
from tests.support.rounds import rounds
from tests.support.worker_processes import WorkerProcess
from tests.support.workload import workload
from tests.support.worlds import Record, World, producer, read_all

pytestmark = pytest.mark.kafka

_CONTACT = {"channel": "line", "account": "oa1", "uid": "U1"}
_IDENTIFIED = {"identifiers": [{"type": "phone", "value": "+886911111111", "assurance": "verified"}]}
_KEY = event_key("demo", "line:oa1:U1")


def _event(**changes: Any) -> dict[str, Any]:
    envelope = {
        "event_id": "e1",
        "tenant": "demo",
        "contact": _CONTACT,
        "type": "message.received",
        "occurred_at": 1_780_000_000_000,
        "received_at": 1_780_000_000_100,
        "source": "test",
        "schema_version": 1,
        "data": {"message_id": "m1", "kind": "text", "text": "hello"},
    }
    return {name: value for name, value in (envelope | changes).items() if value is not ...}


def _bytes(**changes: Any) -> bytes:
    return json.dumps(_event(**changes)).encode()


BAD: dict[str, tuple[Record, str, str]] = {
    "malformed": ((_KEY, b'{"event_id": "e1", '), "not_json", ""),
    "no JSON at all": ((_KEY, b"\xff\xfe\x00garbage"), "not_json", ""),
    "not an object": ((_KEY, b"[1, 2]"), "not_an_object", ""),
    "unknown channel": ((_KEY, _bytes(contact=_CONTACT | {"channel": "carrier-pigeon"})), "invalid_field", "contact"),
    "no time": ((_KEY, _bytes(occurred_at=...)), "invalid_field", "occurred_at"),
    "no data": ((_KEY, _bytes(data=...)), "invalid_field", "data"),
    "no tenant": ((_KEY, _bytes(tenant=...)), "invalid_field", "tenant"),
    "NUL": ((_KEY, _bytes(data={"message_id": "m", "kind": "text", "text": "a\x00b"})), "nul_character", "data.text"),
    "lone surrogate": ((_KEY, _bytes(source="\ud800")), "not_json", ""),
    "wrong key": ((b"demo|line:oa1:U2", _bytes()), "wrong_key", ""),
    "no key": ((None, _bytes()), "wrong_key", ""),
    "tombstone": ((_KEY, None), "empty", ""),
    "no bytes": ((_KEY, b""), "empty", ""),
    "huge": ((_KEY, _bytes(data={"message_id": "m", "kind": "text", "text": "x" * 900_000})), "too_large", ""),
    "from the future": ((_KEY, _bytes(schema_version=99)), "future_version", "schema_version"),
    "deep": ((_KEY, b'{"data":' + b"[" * 100 + b"]" * 100 + b"}"), "too_deep", "data"),
}


async def test_each_kind_of_garbage_is_a_dead_letter_with_its_reason(world: World) -> None:
    good = list(workload(400, 50, seed=6))
    bad = [record for record, _, _ in BAD.values()]
    mixed = [*good, *bad]
    Random(3).shuffle(mixed)
    await world.produce(mixed)
    worker = world.start_worker()
    await world.settle()
    verdict = await world.verify_holds()
    assert (verdict.records, verdict.dead_letters) == (len(mixed), len(bad))
    await worker.until_metric(len(bad), "onefold_events_dead_total")
    for reason, number in Counter(reason for _, reason, _ in BAD.values()).items():
        await worker.until_metric(number, "onefold_events_dead_total", reason=reason)
    for stage in get_args(Stage):  # dead letters were sent, and so was evidence
        assert await worker.metric("onefold_chunk_stage_seconds_count", topic=world.topic, stage=stage) > 0, stage

    letters = await world.dead_letters()
    assert sorted((_plain(_own_key(one)), _plain(one.value)) for one in letters) == sorted(
        (_plain(key), _plain(value)) for key, value in bad
    )
    found = {(_own_key(one), one.value): {name: value.decode() for name, value in one.headers} for one in letters}
    places = set()
    for name, (record, reason, field) in BAD.items():
        headers = found[record]
        assert headers["reason"] == reason, name
        assert headers["detail"], name
        assert headers["field"].startswith(field), name
        assert headers["topic"] == world.topic
        places.add(f"{world.topic}/{headers['partition']}/{headers['offset']}".encode())
    assert places == {one.key for one in letters}
    assert len(places) == len(bad)
    assert await worker.stop() == 0


async def test_the_commands_list_and_show_each_dead_letter_once(world: World) -> None:
    place = f"{world.topic}/3/7"
    headers = letter_headers(world, 7, "not_json", key=b"demo|line:oa1:U1")
    async with producer(world.settings) as sender:
        topic = await world.name_of(DEAD_LETTERS)
        for _ in range(3):
            await sender.send_and_wait(topic, b"{\xff", place.encode(), headers=headers)
        await sender.send_and_wait(topic, b"somebody else's", b"k")
    listed = await onefold(world, "list")
    assert listed.output.count(place) == 1
    assert "demo" in listed.output
    assert "U1" not in listed.output
    one = json.loads((await onefold(world, "list", "--json", "--reason", "not_json")).stdout)
    assert (one["topic"], one["partition"], one["offset"], one["times"]) == (world.topic, 3, 7, 3)
    for unfitting in (
        ("--reason", "empty"),
        ("--topic", "elsewhere"),
        ("--tenant", "shop"),
        ("--since", "2999-01-01T00:00Z"),
        ("--until", "2001-01-01T00:00Z"),
    ):
        assert (await onefold(world, "list", "--json", *unfitting)).stdout == "", unfitting
    fitting = (
        "--topic",
        world.topic,
        "--tenant",
        "demo",
        "--since",
        "2001-01-01T00:00Z",
        "--until",
        "2999-01-01T00:00Z",
    )
    assert json.loads((await onefold(world, "list", "--json", *fitting)).stdout) == one
    counted = json.loads((await onefold(world, "list", "--count", "--json", *fitting)).stdout)
    names = {"topic": world.topic, "tenant": "demo", "reason": "not_json"}
    assert counted == {**names, "dead_letters": 1, "sent_again": 0}
    assert (await onefold(world, "list", "--since", "yesterday")).exit_code == 1
    assert (
        (await onefold(world, "retry")).exit_code
        == (await onefold(world, "retry", place, "--tenant", "x")).exit_code
        == 1
    )
    none_left = await onefold(world, "retry", "--tenant", "demo", "--dry-run", "--json")
    assert json.loads(none_left.stdout)["outcome"] == "refused_again"
    shown = await onefold(world, "show", place)
    assert shown.stdout_bytes == b"{\xff"
    assert "not_json" in shown.stderr
    for other in (f"{world.topic}/3/8", "nothing"):
        assert (await onefold(world, "show", other)).exit_code == 1


def letter_headers(world: World, offset: int, reason: str, **others: bytes) -> list[tuple[str, bytes]]:
    """The headers of a dead letter of the record at this offset of partition 3."""
    texts = {"reason": reason, "detail": "it was refused", "field": "", "topic": world.topic, "partition": "3"}
    return [*((name, text.encode()) for name, text in (texts | {"offset": str(offset)}).items()), *others.items()]


async def test_what_this_version_takes_is_sent_again_once_byte_for_byte(world: World) -> None:
    taken, refused = _bytes(), _bytes(schema_version=99)
    letters = [
        (7, taken, {"key": _KEY}),
        (8, refused, {"key": _KEY}),
        (9, None, {"key": _KEY, "left_out": b"5000000"}),
        (10, taken, {"key": _KEY, "topic": b"elsewhere"}),
        (11, taken, {"key": b"demo|line:oa1:U2"}),
    ]
    async with producer(world.settings) as sender:
        topic = await world.name_of(DEAD_LETTERS)
        for offset, value, others in letters * 2:
            headers = dict(letter_headers(world, offset, "future_version")) | others
            await sender.send_and_wait(topic, value, f"{offset}".encode(), headers=list(headers.items()))

    async def retried(*options: str) -> dict[int, tuple[str, str]]:
        result = await onefold(world, "retry", "--json", *options)
        assert result.exit_code == (1 if "--reason" in options else 0), result.output
        done = [json.loads(line) for line in result.stdout.splitlines()]
        return {int(one["place"].rpartition("/")[2]): (one["outcome"], one["detail"]) for one in done}

    outcomes = await retried("--reason", "future_version", "--dry-run")
    assert {offset: outcome for offset, (outcome, _) in outcomes.items()} == {
        7: "would_be_sent",
        **dict.fromkeys((8, 9, 10, 11), "refused_again"),
    }
    assert await read_all(world.settings.kafka_servers, world.topic) == []
    first = await retried("--reason", "future_version")
    (sent,) = await read_all(world.settings.kafka_servers, world.topic)
    assert (sent.key, sent.value) == (_KEY, taken)
    assert first[7] == ("sent_again", f"{world.topic}/{sent.partition}/{sent.offset}")
    assert (await retried("--reason", "future_version"))[7] == ("sent_before", first[7][1])
    assert await retried(f"{world.topic}/3/7") == {7: ("sent_before", first[7][1])}
    assert len(await read_all(world.settings.kafka_servers, world.topic)) == 1

    listed = {
        one["offset"]: one for one in map(json.loads, (await onefold(world, "list", "--json")).stdout.splitlines())
    }
    assert {offset: one["sent_again_as"] for offset, one in listed.items()} == {
        7: first[7][1],
        **dict.fromkeys((8, 9, 10, 11)),
    }
    assert {one["times"] for one in listed.values()} == {2}
    assert first[7][1] in (await onefold(world, "show", f"{world.topic}/3/7")).stderr
    world.start_worker()
    await world.settle()
    async with world.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM timeline") == 1


@pytest.mark.parametrize("arguments", [(), ("t/3/7", "--reason", "empty"), ("nothing",), ("--reason", "empty")])
async def test_a_retry_of_nothing_fails_with_a_sentence(world: World, arguments: tuple[str, ...]) -> None:
    result = await onefold(world, "retry", *arguments)
    assert result.exit_code == 1
    assert result.stderr


async def onefold(world: World, *arguments: str) -> Result:
    """What `onefold dead-letters` prints."""
    env = environment(world.settings)
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["dead-letters", *arguments], env=env))


@pytest.mark.repeated
async def test_no_dead_letter_is_lost_when_the_worker_is_killed(world: World) -> None:
    rng = Random(13)
    kills = rounds(2)
    good = workload(1000 * kills, 200, seed=7)
    bad = [(f"key {number}".encode(), f"no event {number}".encode()) for number in range(150 * kills)]
    left = iter(bad)
    for _ in range(kills):
        some = [*itertools.islice(good, 1000), *itertools.islice(left, 150)]
        rng.shuffle(some)
        await world.produce(some)
        before = await world.folded()
        worker = world.start_worker()
        await until(partial(_past, world, before), 240, lambda: world.output, every=0.01)
        worker.kill()
    world.start_worker()
    await world.settle()
    verdict = await world.verify_holds()
    assert verdict.dead_letters == len(bad)
    letters = await world.dead_letters()
    assert {(_own_key(one), one.value) for one in letters} == set(bad)  # some perhaps twice
    listed = await each_once(world.settings)
    assert len(listed) == len(bad)
    assert sum(one.times for one in listed) == len(letters)


async def test_a_partition_of_garbage_stops_and_the_others_go_on(world: World) -> None:
    window = 100
    settings = {"dead_letter_window": window, "chunk_records": 20}
    good = list(workload(800, 100, seed=8))
    await world.produce(good)
    worker = world.start_worker(**settings)
    await world.settle()
    stopped_at = (await world.offsets())[2]["next_offset"]
    await world.produce([(b"k", b"garbage")] * 1000, partition=2)
    await until(lambda: _says(worker, "partitions", "DeadLetterLimitExceeded"), 240, lambda: worker.output)
    assert (await worker.get("/readyz")).status_code == 503
    more = list(workload(800, 100, seed=9))
    await world.produce(more)
    await world.settle(apart_from=[2])
    at = (await world.offsets())[2]
    assert at["dead_letters"] <= window
    assert at["next_offset"] - stopped_at <= window
    assert len(await world.dead_letters()) <= window
    await worker.until_metric(1, "onefold_partitions_stopped")
    await world.verify_holds()

    assert await worker.stop() == 0
    restarted = world.start_worker(**settings)  # a restart does not reset the limit
    await until(lambda: _says(restarted, "partitions", "DeadLetterLimitExceeded"), 240, lambda: restarted.output)
    assert (await world.offsets())[2]["dead_letters"] <= window
    assert await restarted.stop() == 0
    world.start_worker(**settings, dead_letter_limit=1)
    await world.settle()
    verdict = await world.verify_holds()
    assert verdict.dead_letters == 1000


async def _past(world: World, before: int) -> bool:
    return await world.folded() > before


async def _ready_is(worker: Any, status: int) -> bool:
    return bool((await worker.get("/readyz")).status_code == status)


def _own_key(letter: Any) -> bytes | None:
    """The key that the refused record had."""
    return dict(letter.headers).get("key")


def _plain(value: bytes | None) -> tuple[bool, bytes]:
    return value is not None, value or b""


async def test_events_that_cannot_be_saved_hold_up_nothing(world: World) -> None:
    poison = [
        (event_key("demo", f"line:oa1:{uid}"), _bytes(contact=_CONTACT | {"uid": uid})) for uid in ("BAD1", "BAD2")
    ]
    contact = _CONTACT | {"uid": "ILL"}  # the contacts agent can save it
    ill = (event_key("demo", "line:oa1:ILL"), _bytes(type="identity.bound", contact=contact, data=_IDENTIFIED))
    mixed = [*workload(300, 40, seed=8), *poison, ill]
    Random(5).shuffle(mixed)
    async with world.connection() as connection:
        await connection.execute("ALTER TABLE contacts ADD CHECK (uid NOT LIKE 'BAD%')")
        await connection.execute("ALTER TABLE contact_states ADD CHECK (contact NOT LIKE '%:ILL')")
        await world.produce(mixed)
        worker = world.start_worker()
        await world.settle()
        assert await connection.fetchval("SELECT count(*) FROM timeline") == len(set(mixed)) - len(poison)
    await worker.until_metric(len(poison) + 1, "onefold_events_dead_total")
    await worker.until_metric(0, "onefold_partitions_stopped")
    assert (await world.verify_holds()).dead_letters == len(poison)
    letters = await world.dead_letters()
    said = {(dict(one.headers)["reason"], dict(one.headers)["generation"]) for one in letters}
    assert said == {(b"cannot_be_saved", b"g1")}
    of_log = [one.value for one in letters if dict(one.headers)["topic"] == world.topic.encode()]
    assert sorted(of_log) == sorted(value for _, value in poison)
    assert len(letters) == len(poison) + 1


_SLOW: Final = """
CREATE FUNCTION wait_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1000); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.uid = 'SLOW') EXECUTE FUNCTION wait_for_ever();
"""


@pytest.mark.long
async def test_a_contact_whose_events_cost_too_much_holds_up_nothing(world: World) -> None:
    slow = [
        (event_key("demo", "line:oa1:SLOW"), _bytes(event_id=f"slow{number}", contact=_CONTACT | {"uid": "SLOW"}))
        for number in range(3)
    ]
    mixed = [*workload(100, 10, seed=8), *slow]
    async with world.connection() as connection:
        await connection.execute(_SLOW)
        await world.produce(mixed)
        worker = world.start_worker(stuck_after=10)
        await world.settle()
        assert await connection.fetchval("SELECT count(*) FROM timeline") == len(set(mixed)) - len(slow)
    letters = await world.dead_letters()
    assert sorted(one.value for one in letters) == sorted(value for _, value in slow)
    assert {dict(one.headers)["reason"] for one in letters} == {b"cannot_be_saved"}
    assert worker.running, "it was not ended as stuck"


async def test_lag_counts_what_is_not_committed(world: World) -> None:
    async with world.connection() as connection, connection.transaction():
        await connection.execute("LOCK TABLE contacts")
        worker = world.start_worker(stuck_after=10, chunk_records=100)
        await world.produce(workload(4_000, 100, seed=8))  # more than Faust fetches while its agent is behind
        await until(lambda: _says(worker, "progress", "none was committed"), 240, lambda: worker.output)
        await worker.until_metric(4_000, "onefold_lag_records", topic=world.topic)
        assert await worker.metric("onefold_lag_seconds", topic=world.topic) > 3
        await worker.until_metric(4, "onefold_partitions_owned", topic=world.topic)
    await world.settle()
    await until(lambda: _ready_is(worker, 200), 240, lambda: worker.output)
    await until(partial(_has_no_lag, worker), 240, lambda: worker.output)


async def _has_no_lag(worker: WorkerProcess) -> bool:
    return await worker.metric("onefold_lag_records") + await worker.metric("onefold_lag_seconds") == 0


async def _says(worker: Any, check: str, words: str) -> bool:
    return words in (await worker.get("/readyz")).json()["checks"].get(check, "")
