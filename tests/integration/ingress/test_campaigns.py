"""One campaign to many contacts as one request: streamed, bounded, and absorbed when it is sent again."""

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from schemas.events.conversation import TeamMessage
from services.control.keys import add_key
from services.runtime.broker import ensure_topics
from tests.support.ingress import RunningIngress, assert_problem, running_ingress, settings_for
from tests.support.servers import OwnKafka
from tests.support.shop import Shop, open_shop

NDJSON, CSV, TEXT = ({"Content-Type": kind} for kind in ("application/x-ndjson", "text/csv", "text/plain"))
PATH = "/v1/campaigns/autumn/messages"
MANY = 100_000


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def test_a_list_of_any_form_becomes_the_same_events(shop: Shop) -> None:
    lists = [
        (TEXT, b"web:s:1\nweb:s:2\r\n"),
        (CSV, b"contact\nweb:s:1\nweb:s:2"),
        (CSV, b"uid,channel,account\n1,web,s\n2,web,s\n"),
        (NDJSON, b'"web:s:1"\n{"contact":"web:s:2"}'),
        (NDJSON | {"Content-Encoding": "gzip"}, gzip.compress(b'"web:s:1"\n"web:s:2"\n')),
    ]
    for headers, body in lists:
        answer = await shop.accepted("POST", f"{PATH}?text=Hello&agent=amy", body, **headers)
        assert answer == {"send_id": "autumn", "accepted": 2, "rejected": 0, "refused": [], "refused_left_off": 0}
    log = [event for _, event in await shop.ingress.log()]
    assert len(log) == 2 * len(lists)
    assert len({event.event_id for event in log}) == 2
    assert isinstance(log[0].data, TeamMessage)
    assert (log[0].data.purpose, log[0].data.campaign, log[0].data.text) == ("broadcast", "autumn", "Hello")
    await shop.fold()
    for uid in "12":
        assert len((await shop.get(f"/v1/contacts/web/s/{uid}/timeline"))["events"]) == 1


async def test_each_line_is_judged_for_itself(shop: Shop) -> None:
    body = b'{"purpose":"cart_remarketing","send_id":"s1"}\n"web:s:1"\n{\n{"contact":"fax:s:2"}\n\n"nobody"\n"web:s:3"'
    answer = await shop.accepted("POST", PATH, body, **NDJSON)
    assert (answer["send_id"], answer["accepted"], answer["rejected"]) == ("s1", 2, 3)
    assert [(one["line"], one["reason"], one.get("field")) for one in answer["refused"]] == [
        (3, "malformed_line", None),
        (4, "invalid_field", "channel"),
        (6, "invalid_contact", "contact"),
    ]
    again = await shop.accepted("POST", PATH, body, **NDJSON)
    assert again == answer
    await shop.fold()
    assert len((await shop.get("/v1/contacts/web/s/1/timeline"))["events"]) == 1
    contact = await shop.get("/v1/contacts/web/s/1")
    assert contact["last_marketing_at"] is not None
    assert contact["last_team_interaction_at"] is None


async def test_a_send_goes_by_its_id_else_the_requests_key_else_the_campaigns_name(shop: Shop) -> None:
    key = {"Idempotency-Key": "k1"}
    none: dict[str, str] = {}
    asked = ((f"{PATH}?send_id=s1", key), (PATH, key), (PATH, none), ("/v1/campaigns/a%2Fb/messages", none))
    answers = [await shop.accepted("POST", path, b"web:s:1", **TEXT, **headers) for path, headers in asked]
    assert [answer["send_id"] for answer in answers] == ["s1", "k1", "autumn", "a/b"]
    assert len({event.event_id for _, event in await shop.ingress.log()}) == 4


async def test_every_purpose_shows_in_the_times_that_it_touches(shop: Shop) -> None:
    """By a campaign as by an event."""
    for purpose in ("conversation", "broadcast", "cart_remarketing", "bot", "welcome"):
        await shop.accepted("POST", f"{PATH}?purpose={purpose}&send_id={purpose}", f"web:s:{purpose}".encode(), **TEXT)
        event = {
            "type": "team.message_sent",
            "contact": {"channel": "web", "account": "t", "uid": purpose},
            "occurred_at": 1_760_000_000_000,
            "data": {"purpose": purpose, "agent": "amy", "text": "Hello"},
        }
        await shop.accepted("POST", "/v1/events", event)
    await shop.fold()
    touched = {}
    for account in "st":
        for purpose in ("conversation", "broadcast", "cart_remarketing", "bot", "welcome"):
            contact = await shop.get(f"/v1/contacts/web/{account}/{purpose}")
            assert contact["last_customer_interaction_at"] is None
            times = (contact["last_team_interaction_at"], contact["last_marketing_at"])
            touched[account, purpose] = tuple(time is not None for time in times)
    for account in "st":
        assert touched[account, "conversation"] == (True, False)
        assert touched[account, "broadcast"] == touched[account, "cart_remarketing"] == (False, True)
        assert touched[account, "bot"] == touched[account, "welcome"] == (False, False)


def many(count: int) -> Iterator[bytes]:
    for start in range(0, count, 1000):
        yield b"".join(b'{"contact":"line:oa1:U%06d"}\n' % number for number in range(start, start + 1000))


class Upload:
    """A body that is made while it is sent, and notes what ingress has borrowed meanwhile."""

    def __init__(self, ingress: RunningIngress, pieces: Iterator[bytes]) -> None:
        self._budget = ingress.app.state.ingress.budget
        self._pieces = pieces
        self.size = 0
        self.most_used = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            self.most_used = max(self.most_used, self._budget.used)
            yield piece


@pytest.mark.long
async def test_a_long_list_is_taken_without_being_kept(shop: Shop) -> None:
    upload = Upload(shop.ingress, many(MANY))
    text = "x" * 200
    answer = await shop.accepted("POST", f"{PATH}?text={text}", upload, **NDJSON)
    assert (answer["accepted"], answer["rejected"]) == (MANY, 0)
    assert upload.size > shop.ingress.settings.body_limit, "the list is longer than any other body may be"
    assert 0 < upload.most_used < 4_000_000
    assert shop.ingress.app.state.ingress.budget.used == 0
    log = Counter(event.event_id for _, event in await shop.ingress.log())
    assert (len(log), log.total()) == (MANY, MANY)


@pytest.mark.kafka
async def test_if_kafka_goes_away_on_the_way_it_is_told_how_far_it_came(
    own_kafka: OwnKafka, database: str, topic_prefix: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=5)
    await ensure_topics(settings)

    async def list_on_which_kafka_dies() -> AsyncIterator[bytes]:
        for number, piece in enumerate(many(5000)):
            if number == 3:
                while not await ingress.log():  # something is acknowledged before
                    await asyncio.sleep(0.05)
                await own_kafka.kill()
            yield piece

    async with running_ingress(settings) as ingress:
        await ingress.ready()
        headers = NDJSON | {"Authorization": f"Bearer {ingress.key}"}
        answer = await ingress.client.post(PATH, content=list_on_which_kafka_dies(), headers=headers)
        problem = assert_problem(answer, 503, "unavailable")
        assert 0 < problem["accepted"] < 5000
        assert answer.headers["retry-after"]
        await own_kafka.start()
        await ingress.ready()
        assert len(await ingress.log()) >= problem["accepted"]
        while (answer := await ingress.client.post(PATH, content=b"".join(many(5000)), headers=headers)).is_error:
            assert_problem(answer, 503, "unavailable")
        assert answer.json()["accepted"] == 5000
        log = Counter(event.event_id for _, event in await ingress.log())
        assert len(log) == 5000
        assert log.total() >= 5000 + problem["accepted"]
        budget = ingress.app.state.ingress.budget
        while budget.used:  # batches that nobody waits for any more are given up a little later
            await asyncio.sleep(0.05)


async def test_refused_lines_are_told_up_to_a_number(shop: Shop) -> None:
    body = b"web:s:1\n" + b"nobody\n" * 250
    answer = await shop.accepted("POST", PATH, body, **TEXT)
    assert (answer["accepted"], answer["rejected"], answer["refused_left_off"]) == (1, 250, 150)
    assert [one["line"] for one in answer["refused"]] == list(range(2, 102))


async def test_what_is_no_campaign_is_refused(shop: Shop) -> None:
    for path, headers, body, status, slug in (
        (PATH, {}, b"web:s:1", 415, "unsupported-list"),
        (PATH, TEXT | {"Content-Encoding": "br"}, b"x", 415, "unsupported-encoding"),
        (PATH, TEXT | {"Content-Encoding": "gzip"}, b"x", 400, "malformed-body"),
        (PATH, TEXT | {"Content-Encoding": "gzip"}, gzip.compress(b"web:s:1\n" * 9)[:-3], 400, "malformed-body"),
        (PATH, TEXT, b"\n\n", 400, "malformed-body"),
        (PATH, NDJSON, b'{"purpose":"bot"}', 400, "malformed-body"),
        (PATH, TEXT, b"nobody", 422, "no-acceptable-line"),
        (f"{PATH}?purpose=spam", TEXT, b"web:s:1", 422, "no-campaign"),
        (PATH, NDJSON, b'{"porpoise":"bot"}', 422, "no-campaign"),
        (PATH, CSV, b"name\nMing", 422, "no-campaign"),
        (f"/v1/campaigns/{'x' * 256}/messages", TEXT, b"web:s:1", 422, "no-campaign"),
    ):
        assert_problem(await shop.send("POST", path, body, **headers), status, slug)
    shop.key = await add_key(shop.ingress.engine, "acme", ["customers:write"])
    assert_problem(await shop.send("POST", PATH, b"web:s:1", **TEXT), 403, "forbidden")
    assert await shop.ingress.log() == []
    assert shop.ingress.app.state.ingress.budget.used == 0


async def test_a_list_past_its_limit_is_refused_packed_or_not(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix, campaign_body_limit=100_000)
    await ensure_topics(settings)
    body = b"".join(many(4000))
    async with running_ingress(settings) as ingress:
        await ingress.ready()
        in_the_limit = 100_000 // len(next(iter(body.splitlines(keepends=True))))
        packed = NDJSON | {"Content-Encoding": "gzip"}
        for sent, headers, accepted in ((body, NDJSON, 0), (gzip.compress(body), packed, in_the_limit)):
            authorization = {"Authorization": f"Bearer {ingress.key}"}
            answer = await ingress.client.post(PATH, content=sent, headers=authorization | headers)
            problem = assert_problem(answer, 413, "too-large")
            assert problem["limit"] == 100_000
            assert problem["accepted"] <= accepted
        assert ingress.app.state.ingress.budget.used == 0
