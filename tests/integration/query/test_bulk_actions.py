"""Bulk actions from the preview to the undo: each customer once, and the counts add up to the customers found."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from projections.engine.connection import Connection
from schemas.codec import decode, from_dict
from schemas.events import Event
from schemas.topics import Topic
from services.cli import app
from services.control import job_leases
from services.control.jobs import Job
from services.runtime.database import BY_KEY
from services.vault.records import EncodedEvent
from services.worker.background.job_runner import JobRunner
from services.worker.jobs.bulk_action import BulkActionKind
from services.worker.jobs.bulk_undo import BulkUndo
from services.worker.jobs.publishing import EventPublisher
from tests.support.contact_records import event
from tests.support.read_api import Brand, id_of
from tests.support.searches import compose_all
from tests.support.serving import served
from tests.support.strategies import BASE_MS

ANNE_LINE, ANNE_WEB, BEN, CLEO, DORA = "line:oa1:U1", "web:shop:c1", "line:oa1:U2", "facebook:p1:F3", "whatsapp:n1:+4"
CONTACTS = (ANNE_LINE, ANNE_WEB, BEN, CLEO, DORA)
EVERYBODY = {"contacts": {"gte": 1}}
SITE = {"channel": "web", "account": "shop", "uid": "c1"}
KINDS = ["broadcast", "cart_remarketing"]
# Anne has two contacts, of which the one on LINE was used last; what the others have differs by action.
LIVES = (
    event("message.received", 9, contact=ANNE_LINE, text="hi", message_id="m1", kind="text"),
    event("identity.bound", 2, contact=ANNE_LINE, linked_contact=SITE, via="site_button"),
    event("tag.added", 3, contact=ANNE_WEB, tag="cart", source="journey"),
    event("tag.added", 3, contact=BEN, tag="vip", source="manual"),
    event("tag.added", 4, contact=BEN, tag="vip", source="manual"),
    event("attribute.set", 4, contact=BEN, key="size", value="M"),
    event("attribute.set", 4, contact=CLEO, key="size", value="S"),
    event("marketing.opted_out", 5, contact=CLEO, kinds=["broadcast"]),
    event("omo.bound", 6, contact=BEN, member="Amy", branch="S1"),
    event("profile.updated", 7, contact=DORA, display_name="Dora"),
)
BOUND = {"do": "bind", "member": "Amy", "branch": "S1"}
# By action: how many of the four customers change, are so already, and are skipped; and the contacts that change.
ACTIONS: tuple[tuple[dict[str, Any], tuple[int, int, int], set[str]], ...] = (
    ({"do": "tag", "tag": "vip"}, (3, 1, 0), {ANNE_LINE, CLEO, DORA}),
    ({"do": "untag", "tag": "vip"}, (1, 3, 0), {BEN}),
    ({"do": "set", "key": "size", "value": "M"}, (3, 1, 0), {ANNE_LINE, ANNE_WEB, CLEO, DORA}),
    ({"do": "unsubscribe", "kinds": ["broadcast"]}, (3, 1, 0), {ANNE_LINE, ANNE_WEB, BEN, DORA}),
    ({"do": "unsubscribe", "kinds": KINDS}, (4, 0, 0), set(CONTACTS)),
    ({"do": "resubscribe"}, (1, 3, 0), {CLEO}),
    (BOUND, (2, 1, 1), {ANNE_LINE, DORA}),
)


class Worker:
    """Runs the jobs of a brand one after the other, and keeps what they send; ``fold`` has readers see it."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        self.sent: list[Event] = []
        self.fail = False
        publisher = EventPublisher(self._send)
        self.runner = JobRunner(
            brand.url,
            self._connect,
            [BulkActionKind(self._connect, publisher), BulkUndo(self._connect, publisher)],
            file_days=7,
        )

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.brand.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def _send(self, _topic: Topic, records: Sequence[EncodedEvent]) -> None:
        self.sent += [decode(value) for _, value in records]
        if self.fail:
            raise ConnectionError("the worker is gone")

    async def take(self, lease: float = 60.0) -> Job:
        job = await job_leases.take_job(self.brand.engine, ["bulk_action", "bulk_undo"], lease, 2)
        assert job is not None
        return job

    async def run(self) -> list[Event]:
        """Do the job that waits; the events that it sent."""
        self.sent.clear()
        await self.runner.run_job(self.brand.engine, await self.take())
        return list(self.sent)

    async def run_next(self) -> None:
        """Do the next job as soon as there is one, and have readers see it."""
        while (job := await job_leases.take_job(self.brand.engine, ["bulk_action", "bulk_undo"], 60.0, 2)) is None:
            await asyncio.sleep(0.05)
        self.sent.clear()
        await self.runner.run_job(self.brand.engine, job)
        await self.fold(*self.sent)

    async def fold(self, *events: Event) -> None:
        await self.brand.fold(*events)
        await compose_all(self.brand.connection)


@pytest.fixture
async def worker(brand: Brand) -> Worker:
    await brand.fold(*LIVES)
    await compose_all(brand.connection)
    return Worker(brand)


async def post(brand: Brand, path: str, body: Any = None, key: str = "demo") -> Any:
    headers = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.post(f"/v1/bulk-actions{path}", json=body, headers=headers)


async def preview(brand: Brand, action: Any, **order: Any) -> Any:
    response = await post(brand, "/preview", {"filter": EVERYBODY, "action": action} | order)
    assert response.status_code == 200, response.text
    return response.json()


async def started(brand: Brand, action: Any, **order: Any) -> Any:
    token = (await preview(brand, action, **order))["token"]
    response = await post(brand, "", {"filter": EVERYBODY, "action": action, "token": token} | order)
    assert response.status_code == 202, response.text
    return response.json()["job"]["id"]


async def undo(brand: Brand, job: str) -> Any:
    response = await post(brand, f"/{job}/undo")
    assert response.status_code == 202, response.text
    return response.json()["id"]


async def state(brand: Brand) -> list[Any]:
    """What actions change, without when and by which event."""
    return [
        [tuple(row) for row in await brand.connection.fetch(f"SELECT {shown} ORDER BY 1, 2")]
        for shown in (
            "contact_id, tag, taggings, source, expires_at FROM g1.tags WHERE taggings > 0",
            "contact_id, key, value::text, type FROM g1.attributes WHERE value IS NOT NULL",
            "contact_id, kind FROM g1.consents WHERE NOT allowed",
            "contact_id, staff_member, staff_branch FROM g1.contacts WHERE staff_member IS NOT NULL",
        )
    ]


async def command(brand: Brand, *args: str, key: str = "demo", answer: str | None = None) -> Result:
    """`onefold bulk` beside the served API; the log of a worker in this process does not get into its output."""
    async with served(brand.app) as address:
        env = {"ONEFOLD_URL": f"http://{address}", "ONEFOLD_KEY": brand.keys[key]}
        with capture_logs():
            return await asyncio.to_thread(CliRunner(env=env).invoke, app, ["bulk", *args], input=answer)


def contacts_of(events: Sequence[Event]) -> list[str]:
    return [one.contact.key for one in events if one.contact]


async def test_looking_at_the_past_before_a_preview_changes_nothing_of_it(worker: Worker) -> None:
    brand, action = worker.brand, {"do": "untag", "tag": "vip"}
    before = await preview(brand, action)
    looks = (brand.json(f"/v1/customers/{id_of(BEN)}", as_of=BASE_MS + 10) for _ in range(4))
    await asyncio.gather(*looks)  # as many as could use each connection that takes long
    assert [(await preview(brand, action))["changed"] for _ in range(4)] == [before["changed"]] * 4 == [1] * 4


async def test_every_action_does_what_was_shown_and_its_undo_restores_what_was(worker: Worker) -> None:
    brand = worker.brand
    original = await state(brand)
    for action, numbers, contacts in ACTIONS:
        shown = await preview(brand, action)
        assert (shown["changed"], shown["unchanged"], shown["skipped"]) == numbers, action
        assert shown["customers"] == sum(numbers) == 4
        assert sum(one["changed"] for one in shown["channels"]) == len(contacts)
        job = await started(brand, action)
        sent = await worker.run()
        assert sorted(contacts_of(sent)) == sorted(contacts), action
        done = await brand.json(f"/v1/jobs/{job}")
        skipped = {"no_contact": numbers[2]} if numbers[2] else {}
        assert done["state"] == "done"
        assert done["result"] == {"changed": numbers[0], "unchanged": numbers[1], "skipped": skipped}
        assert (done["file"] is not None) == bool(numbers[2]), "a file is there if somebody was skipped"
        await worker.fold(*sent)
        assert (await preview(brand, action))["changed"] == 0, action
        undone_by = await undo(brand, job)
        undoing = await worker.run()
        await worker.fold(*undoing)
        assert await state(brand) == original, action
        assert (await brand.json(f"/v1/jobs/{job}"))["undone_by"] == undone_by
        assert (await brand.json(f"/v1/jobs/{undone_by}"))["result"] == {"changed": numbers[0], "unchanged": 0}


async def test_an_undo_keeps_what_was_changed_since(worker: Worker) -> None:
    brand = worker.brand
    job = await started(brand, {"do": "unsubscribe", "kinds": ["broadcast"]})
    sent = await worker.run()
    later = max(one.occurred_at for one in sent) + 1
    own_word = sent[0].model_copy(update={"event_id": "own", "occurred_at": later})
    await worker.fold(*sent, own_word)
    undone_by = await undo(brand, job)
    undoing = await worker.run()
    assert sorted([*contacts_of(undoing), *contacts_of([own_word])]) == sorted(contacts_of(sent))
    again = await post(brand, f"/{job}/undo")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-undone")
    assert (await brand.json(f"/v1/jobs/{undone_by}"))["state"] == "done"


async def test_a_job_that_goes_on_after_a_crash_sends_the_same_events_again(worker: Worker) -> None:
    brand = worker.brand
    job = await started(brand, {"do": "tag", "tag": "new"})
    worker.fail = True
    first = await worker.run()
    assert (await brand.json(f"/v1/jobs/{job}"))["state"] == "waiting"
    await worker.fold(*first)  # Kafka had them, and readers see them, though the job does not know
    worker.fail = False
    await brand.connection.execute("UPDATE onefold.jobs SET leased_until = now()")
    assert await worker.run() == first
    done = await brand.json(f"/v1/jobs/{job}")
    assert done["result"] == {"changed": 4, "unchanged": 0, "skipped": {}}


async def test_customers_that_became_one_meanwhile_are_affected_once_and_erased_ones_are_skipped(
    worker: Worker,
) -> None:
    brand = worker.brand
    job = await started(brand, {"do": "tag", "tag": "new"})
    taken = await worker.take()
    steps = BulkActionKind(worker._connect, EventPublisher(worker._send)).steps(taken)
    await anext(steps)  # whom it affects is fixed now
    at = await brand.connection.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint + 60000")
    erased = event("contact.erased", 20, contact=DORA, request_id="r1").model_copy(update={"occurred_at": at})
    same = {"type": "member_id", "value": "M1", "assurance": "verified"}
    bound = [event("identity.bound", 20, contact=one, identifiers=[same], via="login") for one in (BEN, CLEO)]
    await worker.fold(erased, *bound)
    (step,) = [one async for one in steps]
    assert step.progress.result == {"changed": 2, "unchanged": 0, "skipped": {"merged": 1, "erased": 1}}
    assert len(worker.sent) == 2
    assert f"{id_of(DORA)},erased".encode() in step.content
    await brand.connection.execute("UPDATE onefold.jobs SET state = 'cancelled', finished_at = now()")
    assert UUID(job) == taken.job_id


async def test_the_contacts_that_match_are_those_of_the_filter(worker: Worker) -> None:
    order = {"filter": {"same_contact": {"channel": "web"}}, "contacts": "matching"}
    shown = await preview(worker.brand, {"do": "tag", "tag": "new"}, **order)
    assert shown["channels"] == [{"channel": "web", "contacts": 1, "changed": 1}]
    await started(worker.brand, {"do": "tag", "tag": "new"}, **order)
    assert contacts_of(await worker.run()) == [ANNE_WEB]


async def test_what_was_not_shown_is_not_started(worker: Worker) -> None:
    brand = worker.brand
    order = {"filter": EVERYBODY, "action": {"do": "tag", "tag": "vip"}}
    token = (await preview(brand, order["action"]))["token"]
    for changed, status in (
        ({"token": token, "action": {"do": "tag", "tag": "other"}}, 409),
        ({"expected_customers": 3}, 409),
        ({}, 422),
        ({"token": token, "expected_customers": 4}, 422),
        ({"token": token, "contacts": "matching"}, 422),
        ({"token": token, "channels": ["facebook"], "action": BOUND}, 422),
        ({"token": token, "action": {"do": "set", "key": "size", "value": "M", "type": "number"}}, 422),
    ):
        assert (await post(brand, "", order | changed)).status_code == status, changed
    assert (await post(brand, "", order | {"expected_customers": 4}, key="writer")).status_code == 403


async def test_what_ended_more_than_a_day_ago_is_not_undone(worker: Worker) -> None:
    brand = worker.brand
    job = await started(brand, {"do": "tag", "tag": "new"})
    early = await post(brand, f"/{job}/undo")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/job-not-ended")
    await worker.run()
    await brand.connection.execute("UPDATE onefold.jobs SET finished_at = now() - interval '25 hours'")
    late = await post(brand, f"/{job}/undo")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/too-late-to-undo")
    left = "SELECT count(*) FROM onefold.bulk_items"
    await job_leases.prune_jobs(brand.engine)
    assert await brand.connection.fetchval(left) == 4
    await brand.connection.execute("UPDATE onefold.jobs SET finished_at = now() - interval '49 hours'")
    await job_leases.prune_jobs(brand.engine)
    assert await brand.connection.fetchval(left) == 0


async def test_the_command_shows_what_it_would_do_asks_waits_and_undoes(worker: Worker) -> None:
    brand = worker.brand
    original = await state(brand)
    everybody = ("--filter", json.dumps(EVERYBODY))
    refused = await command(brand, "tag", "new", *everybody, answer="n\n")
    assert refused.exit_code == 1
    assert "Change 4 customers?" in refused.stderr
    assert (await brand.json("/v1/jobs"))["jobs"] == []
    bound, _ = await asyncio.gather(command(brand, "bind", "Amy", "S1", *everybody, answer="y\n"), worker.run_next())
    assert bound.exit_code == 0, bound.output
    shown = " ".join(bound.stdout.split())
    assert "found 4 would change 2 are so already 1 have no contact that is meant 1" in shown
    assert "changed 2 skipped no contact 1 unchanged 1" in shown
    (job,) = [one["id"] for one in (await brand.json("/v1/jobs"))["jobs"]]
    assert f"onefold jobs download {job}" in bound.stderr
    assert f"onefold bulk undo {job}" in bound.stderr
    undone, _ = await asyncio.gather(command(brand, "undo", job, "--json"), worker.run_next())
    assert json.loads(undone.stdout)["result"] == {"changed": 2, "unchanged": 0}
    assert await state(brand) == original
    again = await command(brand, "undo", job)
    assert again.exit_code == 1
    assert "undo" in again.stderr


async def test_the_command_sends_a_value_of_the_type_that_an_attribute_is_defined_with(worker: Worker) -> None:
    brand = worker.brand
    definition = event("tag.added", tag="any", source="x").model_dump(mode="json") | {
        "type": "tenant.attribute_defined",
        "contact": None,
        "data": {"key": "points", "type": "number"},
    }
    await brand.fold_contacts(from_dict(definition))
    asked = ("set", "points", "--filter", json.dumps(EVERYBODY))
    shown = await command(brand, *asked, "12.5", answer="n\n")
    assert "Change 4 customers?" in shown.output, shown.output
    assert "points: many is no number" in " ".join((await command(brand, *asked, "many")).output.split())
    assert "--scope customers:write" in (await command(brand, *asked, "12", "--type", "number", key="writer")).stderr
    assert (await command(brand, "untag", "nobody-has-it", "--filter", json.dumps(EVERYBODY))).exit_code == 0
    assert (await command(brand, "untag", "vip")).exit_code == 2
