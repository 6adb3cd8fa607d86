"""A job whose worker is killed between any two steps: nothing is doubled or missing, and the accounts are right."""

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, Final, Protocol
from uuid import UUID

import pytest

from projections.bulk_actions import store as bulk_store
from projections.erasure_orders import store as erasure_store
from projections.exports import queries as export_queries
from schemas.codec import decode, encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, Topic
from services.control import erasures, job_files, job_leases
from services.control.jobs import Job, add_job, find_job
from services.control.uploads import IMPORT, keep_upload
from services.vault.records import EncodedEvent
from services.worker.jobs import bulk_action, bulk_undo, erasure, imports
from tests.support.contact_records import event
from tests.support.job_runs import JobRuns
from tests.support.read_api import MASTER, Brand, id_of

EVERYBODY: Final = {"contacts": {"gte": 1}}
PEOPLE: Final = ("line:oa1:U1", "line:oa1:U2", "line:oa1:U3", "web:shop:c1")
LIVES: Final = tuple(event("profile.updated", 2, contact=one, display_name=f"Anne {one}") for one in PEOPLE)
ENDPOINT: Final = UUID(int=5)
WEBHOOKS: Final = f"""
INSERT INTO onefold.webhook_endpoints (endpoint_id, tenant, url, form, sealed_secret, topic_id, offsets)
VALUES ('{ENDPOINT}', 'demo', 'https://example.com/', 'standard', '', '{UUID(int=0)}', '{{}}')
"""
WAITS: Final = f"""
INSERT INTO onefold.webhook_waiting (endpoint_id, customer, payload, attempts, next_at)
VALUES ('{ENDPOINT}', $1, $2, 1, now())
"""
# What jobs do that lasts, besides sending events. The worker is killed before each, some of them in a transaction.
EFFECTS: Final = (
    (job_leases, "save_step"),
    (job_leases, "finish_job"),
    (bulk_action, "fix_items"),
    (bulk_store, "decide"),
    (bulk_store, "note_undone"),
    (erasure_store, "drop_waiting_changes"),
    (erasure_store, "drop_copies"),
    (erasure_store, "finish"),
)


def naming(contact_key: str) -> bytes:
    """A change of a contact."""
    return f'{{"contacts":["{contact_key}"]}}'.encode()


class Killed(BaseException):
    """The worker is killed: nothing of it handles this."""


class Worker(JobRuns):
    """Runs jobs until it is killed. Readers see its events at once, or, ``late``, when a job waits for that."""

    def __init__(self, brand: Brand, monkeypatch: pytest.MonkeyPatch, *, late: bool) -> None:
        super().__init__(brand)
        self.brand, self.late = brand, late
        self.sent: dict[str, bytes] = {}
        self._unread: list[Event] = []
        self._moments: int | None = None
        for module, name in EFFECTS:
            monkeypatch.setattr(module, name, self._watched(getattr(module, name)))
        for waiting in (erasure, bulk_undo):
            monkeypatch.setattr(waiting, "asyncio", SimpleNamespace(sleep=self._wait))

    async def is_killed(self, moment: int) -> bool:
        """Run the job that waits until that moment, and let another worker go on; whether there was such a moment."""
        self._moments = moment
        try:
            await self.run()
        except Killed:
            await self.brand.connection.execute("UPDATE onefold.jobs SET leased_until = now()")
            await self.run()
            return True
        finally:
            await self._wait()
            await self.brand.compose()
        self._moments = None
        return False

    def _passed(self) -> None:
        if self._moments is not None:
            self._moments -= 1
            if self._moments < 0:
                self._moments = None
                raise Killed

    def _watched(self, effect: Any) -> Any:
        async def watched(*args: Any, **options: Any) -> Any:
            self._passed()
            return await effect(*args, **options)

        return watched

    async def _send(self, _: Topic, records: Sequence[EncodedEvent]) -> None:
        self._passed()
        for one, value in records:
            if one.type == "contact.erased" and one.event_id not in self.sent and one.contact:
                key = one.contact.key  # the change that says that it is erased
                await self.brand.connection.execute(WAITS, key, naming(key))
            assert self.sent.setdefault(one.event_id, value) == value, "an event that is sent again says the same"
            self._unread.append(decode(value))
        if not self.late:
            await self._wait()

    async def _wait(self, _seconds: float = 0) -> None:
        unread, self._unread = self._unread, []
        if unread:
            await super()._send(CHANNEL_EVENTS, [EncodedEvent(one, encode(one)) for one in unread])


class Case(Protocol):
    """Jobs of one kind, each about something of its own."""

    worker: Worker

    async def ask(self, number: int) -> UUID:
        """Ask for a job; its id."""
        ...

    async def check(self, number: int, job: Job) -> None:
        """Check what came of it."""
        ...


class CaseOf:
    """What a case works with."""

    def __init__(self, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.worker, self.brand = worker, worker.brand
        for module, name, value in SMALL:
            monkeypatch.setattr(module, name, value)

    async def post(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.brand.keys['demo']}"}
        answer = await self.brand.client.post(path, json=body or None, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def file(self, job: Job) -> str:
        answer = await self.brand.get(f"/v1/jobs/{job.job_id}/file")
        assert answer.status_code == 200, answer.text
        return answer.content.decode()

    async def number(self, query: str, *values: Any) -> int:
        return int(await self.brand.connection.fetchval(f"SELECT count(*) FROM {query}", *values))


class Imported(CaseOf):
    """Files with three members, one row that is refused, and an empty one."""

    async def ask(self, number: int) -> UUID:
        async def pieces() -> AsyncIterator[bytes]:
            rows = [f"M{number}-{one},Ben,new," for one in range(3)]
            yield "\r\n".join(["Member ID,Name,Tags,Phone", rows[0], f"M{number}-9,,,12", ",,,", *rows[1:]]).encode()

        engine = self.brand.engine
        upload = await keep_upload(engine, "demo", name="a", media_type="text/csv", pieces=pieces(), days=7, by="a")
        parameters = {"upload": str(upload.job_id), "order": {"kind": "customers"}, "dry_run": False}
        return (await add_job(engine, "demo", IMPORT, parameters, total=None, requested_by="a")).job_id

    async def check(self, number: int, job: Job) -> None:
        assert job.result["counts"] == {"created": 3, "updated": 0, "unchanged": 0, "refused": 1, "empty": 1}
        assert (job.done, len(job.result["refused"])) == (5, 1)
        own = [f"crm:crm:M{number}-{one}" for one in range(3)]
        sent = [one for one in map(decode, self.worker.sent.values()) if one.contact and one.contact.key in own]
        assert job.result["events"] == len(sent) == 6
        assert (await self.file(job)).count(f"M{number}-9") == 1
        assert len((await self.file(job)).splitlines()) == 2
        ids = [id_of(one) for one in own]
        assert await self.number("g1.tags WHERE contact_id = ANY($1) AND taggings = 1", ids) == 3
        for one in range(3):
            assert (await self.brand.json(f"/v1/customers/member:M{number}-{one}"))["name"] == "Ben"


class Exported(CaseOf):
    """The same rows again and again."""

    whole = ""

    async def ask(self, number: int) -> UUID:
        del number
        job = (await self.post("/v1/exports", filter=EVERYBODY, columns=["line_uid", "name"]))["job"]
        return UUID(job["id"])

    async def check(self, number: int, job: Job) -> None:
        file = await self.file(job)
        assert (job.done, len(file.splitlines())) == (4, 5)
        self.whole = self.whole or file
        assert (file, number >= 0) == (self.whole, True)


class Tagged(CaseOf):
    """Each job has a tag of its own; who has nothing on LINE is skipped."""

    async def ask(self, number: int) -> UUID:
        action = {"do": "tag", "tag": f"tag {number}"}
        order = {"filter": EVERYBODY, "action": action, "contacts": "all", "channels": ["line"]}
        return UUID((await self.post("/v1/bulk-actions", **order, expected_customers=4))["job"]["id"])

    async def check(self, number: int, job: Job) -> None:
        assert job.result == {"changed": 3, "unchanged": 0, "skipped": {"no_contact": 1}}
        assert (job.done, len((await self.file(job)).splitlines())) == (4, 2)
        assert await self.number("g1.tags WHERE tag = $1 AND taggings = 1", f"tag {number}") == 3


class Undone(Tagged):
    """Each undoes a job."""

    async def ask(self, number: int) -> UUID:
        tagging = await super().ask(number)
        await self.worker.run()
        return UUID((await self.post(f"/v1/bulk-actions/{tagging}/undo"))["id"])

    async def check(self, number: int, job: Job) -> None:
        assert job.result == {"changed": 3, "unchanged": 0}
        assert await self.number("g1.tags WHERE tag = $1 AND taggings > 0", f"tag {number}") == 0


class Erased(CaseOf):
    """Each is of a person whom a browser names, and of whom a change waits for a webhook."""

    async def ask(self, number: int) -> UUID:
        if number == 0:
            await self.brand.connection.execute(WEBHOOKS)
        key, named = f"line:oa1:E{number}", {"channel": "line", "account": "oa1", "uid": f"E{number}"}
        own = [event("contact.followed", 1, contact=key), event("profile.updated", 2, contact=key, display_name="Eve")]
        binding = event("identity.bound", 3, contact=f"web:shop:b{number}", linked_contact=named, via="site_button")
        visit = event("web.tracked", 4, contact=f"web:shop:b{number}", event="view")
        await self.brand.fold(*own, binding, visit)
        await self.brand.connection.execute("DELETE FROM onefold.outbox")
        await self.brand.connection.execute(WAITS, f"{number}", naming(key))
        added = await erasures.add_erasure(self.brand.engine, MASTER, "demo", [key], requested_by="a test")
        return added.job_id

    async def check(self, number: int, job: Job) -> None:
        (done,) = [one for one in await erasures.list_erasures(self.brand.engine) if one.job_id == job.job_id]
        assert done.receipt is not None
        counted = {name: done.receipt["removed"][name] for name in ("events", "waiting_changes", "events_of_others")}
        assert counted == {"events": 2, "waiting_changes": 1, "events_of_others": 1}
        assert not {"events_of_others", "unsent_changes"} & set(done.receipt["remains"])
        assert done.receipt["generations_behind"] == []
        for table in ("timeline", "statements", "contacts"):
            assert not await self.number(f"g1.{table} AS one WHERE one::text LIKE $1", f"%E{number}%"), table
        assert (await self.brand.get(f"/v1/contacts/line/oa1/E{number}")).status_code == 404
        assert (await self.brand.get(f"/v1/contacts/web/shop/b{number}")).status_code == 200
        assert await self.number("onefold.webhook_waiting WHERE customer = $1", f"{number}") == 0
        assert await self.number("onefold.webhook_waiting WHERE customer = $1", f"line:oa1:E{number}") == 1


SMALL: Final = (
    (imports, "_BATCH", 3),
    (bulk_action, "CHUNK", 2),
    (bulk_undo, "CHUNK", 2),
    (export_queries, "PIECE", 16),
    (job_files, "PART", 32),
)
RUNS: Final = (
    (Imported, 7, False),
    (Imported, 7, True),
    (Exported, 3, False),
    (Tagged, 8, False),
    (Undone, 5, True),
    (Erased, 9, False),
    (Erased, 9, True),
)


@pytest.mark.parametrize(("case", "moments", "late"), RUNS)
async def test_a_job_whose_worker_is_killed_at_any_moment_comes_to_the_same(
    brand: Brand, monkeypatch: pytest.MonkeyPatch, case: Any, moments: int, late: bool
) -> None:
    await brand.fold(*LIVES)
    await brand.compose()
    of_kind: Case = case(Worker(brand, monkeypatch, late=late), monkeypatch)
    number, is_killed = 0, True
    while is_killed:
        job_id = await of_kind.ask(number)
        is_killed = await of_kind.worker.is_killed(number)
        job = await find_job(brand.engine, job_id)
        assert (job.state, job.problem) == ("done", None), number
        await of_kind.check(number, job)
        number += 1
    assert number >= moments, "it was killed at several moments"
