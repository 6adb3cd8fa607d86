"""The feed of changes: complete, once, in each customer's order, the tenant's own, and never silently from *now*."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from pydantic import SecretStr

from schemas.changes import ChangeType, CustomerChange, Moved, change_key, encode_change
from schemas.topics import CUSTOMER_CHANGES
from services.changes.cursor import ChangeCursor, read_cursor, write_cursor
from services.changes.errors import UnknownCursor
from services.changes.feed import ChangeFeed
from services.changes.log import ChangeLog
from services.changes.pages import Wanted
from services.control.auth import Authenticator
from services.runtime.broker import ensure_topics
from services.runtime.secrets import change_cursor_key
from services.runtime.settings import Settings
from tests.support.read_api import MASTER, Brand
from tests.support.serving import served
from tests.support.strategies import BASE_MS

KEY = change_cursor_key(MASTER)
Finding = Callable[[], Awaitable[str]]


@pytest.fixture
async def settings(database_with_read_models: str, kafka: str) -> Settings:
    made = Settings(
        database=database_with_read_models,
        kafka=kafka,
        secret_key=SecretStr(MASTER),
        topic_prefix=f"changes-{uuid4().hex}",
        partitions=3,
    )
    await ensure_topics(made)
    return made


@pytest.fixture
def topic(settings: Settings) -> str:
    return CUSTOMER_CHANGES.full_name(settings.topic_prefix)


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await made.start()
    yield made
    await made.stop()


def change(tenant: str, customer_id: UUID, seq: int, type_name: ChangeType = "linked") -> CustomerChange:
    return CustomerChange(
        tenant=tenant,
        customer_id=customer_id,
        seq=seq,
        type=type_name,
        at=BASE_MS,
        cause="e1",
        causes=["e1"],
        policy_version="p1",
        came_from=[Moved(contacts=[f"line:oa:U{seq}"])],
    )


async def send(producer: AIOKafkaProducer, topic: str, changes: Iterable[CustomerChange]) -> None:
    for one in changes:
        await producer.send(topic, encode_change(one), change_key(one.tenant, one.customer_id))
    await producer.flush()


def sent_in(changes: Iterable[CustomerChange], tenant: str = "demo") -> dict[UUID, list[int]]:
    found = defaultdict(list)
    for one in changes:
        if one.tenant == tenant:
            found[one.customer_id].append(one.seq)
    return dict(found)


def numbered(seed: int, of_each: int) -> list[CustomerChange]:
    """Changes of several customers of two tenants, each customer's in their order."""
    source = random.Random(seed)
    customers = [(tenant, UUID(int=source.getrandbits(128))) for tenant in ("demo", "other") for _ in range(5)]
    order = [one for one in customers for _ in range(of_each)]
    source.shuffle(order)
    counts: dict[UUID, int] = defaultdict(int)
    made = []
    for tenant, customer_id in order:
        counts[customer_id] += 1
        made.append(change(tenant, customer_id, counts[customer_id]))
    return made


@pytest.mark.parametrize("seed", range(3))
async def test_a_listener_that_is_cut_at_random_has_each_change_once_and_in_order(
    brand: Brand, settings: Settings, topic: str, producer: AIOKafkaProducer, seed: int
) -> None:
    source, changes = random.Random(seed), numbered(seed, 20)
    await send(producer, topic, changes[:70])
    after, expected = "beginning", sent_in(changes)
    had: dict[UUID, list[int]] = defaultdict(list)
    left = changes[70:]
    another = ChangeFeed(_always(topic), ChangeLog(settings.kafka_servers), KEY)  # another process
    async with another.open():
        while had != expected:
            if left and source.random() < 0.5:
                await send(producer, topic, left[:25])
                left = left[25:]
            limit = source.randint(1, 8)
            if source.random() < 0.3:
                page, cursor = await another.next_page(await another.begin("demo", after), Wanted("demo"), limit, 0)
                answer = [
                    (orjson.loads(one.value), another.text("demo", cursor._replace(offsets=one.offsets)))
                    for one in page.changes
                ]
                following = another.text("demo", cursor)
            else:
                shown = await brand.json("/v1/changes", after=after, limit=limit, wait=0.05)
                answer = [(one["change"], one["cursor"]) for one in shown["changes"]]
                following = shown["next"]
            if answer and source.random() < 0.5:  # the answer was cut off after some of its changes
                answer = answer[: source.randint(1, len(answer))]
                following = answer[-1][1]
            for one, _ in answer:
                assert one["tenant"] == "demo"
                had[UUID(one["customer_id"])].append(one["seq"])
                assert had[UUID(one["customer_id"])] == expected[UUID(one["customer_id"])][: one["seq"]]
            after = following


def _always(name: str) -> Finding:
    async def find() -> str:
        return name

    return find


async def test_a_long_poll_is_answered_by_a_change_and_filters_choose(
    brand: Brand, topic: str, producer: AIOKafkaProducer
) -> None:
    customer, another = uuid4(), uuid4()
    now = (await brand.json("/v1/changes", after="now"))["next"]
    await send(producer, topic, [change("other", uuid4(), 1), change("demo", customer, 1, "created")])
    shown = await brand.json("/v1/changes", after=now, wait=30)
    assert [one["change"]["customer_id"] for one in shown["changes"]] == [str(customer)]
    assert (await brand.json("/v1/changes", after=shown["next"]))["changes"] == []
    await send(producer, topic, [change("demo", another, 1, "created"), change("demo", customer, 2, "merged")])

    async def seqs(**query: str) -> list[int]:
        found: list[int] = []
        after = now
        while not found:
            page = await brand.json("/v1/changes", after=after, wait=30, **query)
            found, after = [one["change"]["seq"] for one in page["changes"]], page["next"]
        return found

    assert await seqs(type="merged") == [2]
    assert await seqs(customer=str(another)) == [1]
    other = await brand.json("/v1/changes", "other", after="beginning", wait=30)
    assert [one["change"]["tenant"] for one in other["changes"]] == ["other"]


async def test_a_stream_goes_on_after_the_last_event_id(brand: Brand, topic: str, producer: AIOKafkaProducer) -> None:
    customer = uuid4()
    await send(producer, topic, [change("demo", customer, number) for number in range(1, 4)])
    async with served(brand.app) as address:
        first = await events(brand, address, 2, after="beginning")
        await send(producer, topic, [change("other", uuid4(), 1), change("demo", customer, 4)])
        then = await events(brand, address, 2, after="now", last=first[-1][0])
    assert [orjson.loads(data)["seq"] for _, data in first + then] == [1, 2, 3, 4]


async def events(brand: Brand, address: str, count: int, after: str, last: str | None = None) -> list[tuple[str, str]]:
    """The (id, data) of the first events of a stream, which is cut then."""
    headers = {"Authorization": f"Bearer {brand.keys['demo']}", "Accept": "text/event-stream"}
    headers |= {} if last is None else {"Last-Event-ID": last}
    found: list[tuple[str, str]] = []
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"http://{address}/v1/changes", params={"after": after}, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        last_id = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                last_id = value
            elif name == "data":
                found.append((last_id, value))
            if len(found) == count:
                break
    return found


async def test_a_server_that_stops_does_not_wait_for_its_listeners(brand: Brand) -> None:
    headers = {"Authorization": f"Bearer {brand.keys['demo']}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(timeout=60) as client:
        async with served(brand.app) as address:
            request = client.build_request(
                "GET", f"http://{address}/v1/changes", params={"after": "now"}, headers=headers
            )
            answer = await client.send(request, stream=True)
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 1000"
        assert [one async for one in lines][-1] == ""  # it ended in order


async def test_a_cursor_that_is_of_no_use_is_a_410_that_says_what_to_do(
    brand: Brand, topic: str, producer: AIOKafkaProducer
) -> None:
    await send(producer, topic, [change("demo", uuid4(), 1)])
    cursor = (await brand.json("/v1/changes", after="beginning"))["next"]
    known = read_cursor(KEY, "demo", cursor)
    beyond = known._replace(offsets=tuple(one + 1 for one in known.offsets))
    more = known._replace(offsets=(*known.offsets, 0))
    useless = {
        "forged": cursor[:-4] + "AAAA",
        "no cursor": "yesterday",
        "of a topic that is gone": write_cursor(KEY, "demo", ChangeCursor(UUID(int=1), known.offsets)),
        "of records that are gone": write_cursor(KEY, "demo", beyond),
        "of partitions that are gone": write_cursor(KEY, "demo", more),
    }
    for what, text in useless.items():
        answer = await brand.get("/v1/changes", after=text)
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/unknown-change-cursor"), what
        assert "after=now" in answer.json()["detail"]
        header = {"Authorization": f"Bearer {brand.keys['demo']}", "Last-Event-ID": text, "Accept": "text/event-stream"}
        assert (await brand.client.get("/v1/changes", params={"after": "now"}, headers=header)).status_code == 410, what
    assert (await brand.get("/v1/changes", "other", after=cursor)).status_code == 410
    nowhere = await brand.get("/v1/changes")
    assert (nowhere.status_code, nowhere.json()["field"]) == (422, "after")
    assert (await brand.json("/v1/changes", after="now"))["next"] == cursor


async def test_a_cursor_before_records_that_were_deleted_is_a_410_and_the_beginning_is_after_them(
    brand: Brand, settings: Settings, topic: str, producer: AIOKafkaProducer
) -> None:
    customer = uuid4()
    beginning = (await brand.json("/v1/changes", after="now"))["next"]
    await send(producer, topic, [change("demo", customer, number) for number in (1, 2)])
    first = (await brand.json("/v1/changes", after=beginning, limit=1, wait=30))["changes"][0]["cursor"]
    place, offset = next(found for found in enumerate(read_cursor(KEY, "demo", first).offsets) if found[1])
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, place): RecordsToDelete(offset)})
    finally:
        await admin.close()
    another = ChangeFeed(_always(topic), ChangeLog(settings.kafka_servers), KEY)  # it has nothing in memory
    async with another.open():
        with pytest.raises(UnknownCursor):
            await another.next_page(read_cursor(KEY, "demo", beginning), Wanted("demo"), 10, 0)
        page, _ = await another.next_page(await another.begin("demo", "beginning"), Wanted("demo"), 10, 0)
        assert [orjson.loads(one.value)["seq"] for one in page.changes] == [2]


async def test_listeners_of_a_tenant_are_bounded_and_others_are_not_touched(brand: Brand) -> None:
    feed: ChangeFeed = brand.app.state.changes
    with ExitStack() as listeners:
        for _ in range(64):
            listeners.enter_context(feed.listening("demo"))
        for accept in ("application/json", "text/event-stream"):
            headers = {"Authorization": f"Bearer {brand.keys['demo']}", "Accept": accept}
            answer = await brand.client.get("/v1/changes", params={"after": "now"}, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-listeners")
        assert (await brand.get("/v1/changes", "other", after="now")).status_code == 200
    assert (await brand.get("/v1/changes", after="now")).status_code == 200


async def test_a_stream_ends_with_its_key(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_longer(*_: object) -> bool:
        return False

    monkeypatch.setattr(Authenticator, "still_admits", no_longer)
    headers = {"Authorization": f"Bearer {brand.keys['demo']}", "Accept": "text/event-stream"}
    answer = await brand.client.get("/v1/changes", params={"after": "beginning"}, headers=headers)
    assert (answer.status_code, answer.text) == (200, "retry: 1000\n\n")
