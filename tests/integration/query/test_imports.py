"""Imports from the upload to the events: every row accounted for, and what is true already is not stated again."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from projections.engine.connection import Connection
from schemas.codec import decode
from schemas.events import Event
from schemas.topics import Topic
from services.control import job_leases
from services.control.errors import TooMuchKept
from services.control.jobs import Job, add_job, find_job
from services.control.uploads import IMPORT, keep_upload
from services.runtime.database import BY_KEY
from services.vault.records import EncodedEvent
from services.worker.background.job_runner import JobRunner
from services.worker.jobs import imports
from services.worker.jobs.export import Export
from services.worker.jobs.imports import Import
from tests.support.contact_records import event
from tests.support.read_api import Brand, id_of

LINE = "line:oa1:U1"
BROUGHT = (
    event("contact.followed", 1, contact=LINE),
    event("profile.updated", 2, contact=LINE, display_name="=1+林小美"),
    event("tag.added", 3, contact=LINE, tag="vip;gold", source="manual"),
    event("attribute.set", 4, contact=LINE, key="points", value=12),
    event("omo.bound", 5, contact=LINE, member="Amy", branch="S1"),
    event(
        "identity.bound",
        6,
        contact=LINE,
        identifiers=[
            {"type": "phone", "value": "+886911111111", "assurance": "verified"},
            {"type": "member_id", "value": "00042", "assurance": "verified"},
        ],
        via="channel",
    ),
)
FILE = (
    "會員編號,姓名,手機,標籤\r\n00042,林小美,886911111111,新\r\n007,王小明,886922222222,新;舊\r\n"
    ",無名,,\r\n\r\n8,壞,12,\r\n007,重複,,\r\n"
)


class Imports:
    """Runs the jobs of a brand as a worker does; what they append is folded at once."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        self.appended: list[Event] = []
        self.kind = Import(brand.url, self._connect, self._send, _id_of, "TW")
        self.runner = JobRunner(brand.url, self._connect, [Export(self._connect), self.kind], file_days=7)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.brand.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def _send(self, _: Topic, records: Sequence[EncodedEvent]) -> None:
        events = [decode(value) for _, value in records]
        self.appended += events
        if events:
            await self.brand.fold(*events)

    async def ask(self, content: bytes, *, dry_run: bool = False, **order: Any) -> Job:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        brand = self.brand
        upload = await keep_upload(
            brand.engine, "demo", name="a.csv", media_type="text/csv", pieces=pieces(), days=7, by="a test"
        )
        order = {"kind": "customers"} | order
        parameters = {"upload": str(upload.job_id), "order": order, "dry_run": dry_run}
        return await add_job(brand.engine, "demo", IMPORT, parameters, total=None, requested_by="a test")

    async def run(self, content: bytes, **more: Any) -> Any:
        job = await self.ask(content, **more)
        return await self.finish(job)

    async def finish(self, job: Job) -> Any:
        taken = await job_leases.take_job(self.brand.engine, [job.kind], 3600, 9)
        assert taken is not None
        await self.runner.run_job(self.brand.engine, taken)
        await self.brand.compose()
        return await find_job(self.brand.engine, job.job_id)

    async def file(self, job: Job) -> bytes:
        return bytes((await self.brand.get(f"/v1/jobs/{job.job_id}/file")).content)


def _id_of(tenant: str, key: str) -> Any:
    return id_of(key, tenant)


async def test_the_files_of_a_tenant_have_limited_room(brand: Brand) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"Member ID\n1\n"

    async def keep(room: int) -> Job:
        return await keep_upload(
            brand.engine, "demo", name="a", media_type="text/csv", pieces=pieces(), days=7, by="a test", room=room
        )

    first = await keep(12)
    assert first.file is not None
    with pytest.raises(TooMuchKept, match="take 12 bytes of 12; the first of them goes at"):
        await keep(12)
    assert (await keep(13)).state == "done"


@pytest.fixture
async def work(brand: Brand) -> Imports:
    await brand.fold(*BROUGHT)
    await brand.compose()
    return Imports(brand)


async def test_a_dry_run_foresees_merges_of_all_parts_up_to_a_number_of_rows(
    work: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_BATCH", 1)
    for most, rows in ((2, 2), (1, 1)):
        monkeypatch.setattr(imports, "_PREVIEWED", most)
        dry = await work.run(FILE.encode("cp950"), dry_run=True)
        assert dry.result["membership"] == {"rows": rows, "merges": 0, "splits": 0}


async def test_a_dry_run_says_what_the_run_does_and_the_same_file_again_changes_nothing(work: Imports) -> None:
    content = FILE.encode("cp950")
    dry = await work.run(content, dry_run=True)
    counts = {"created": 1, "updated": 1, "unchanged": 0, "refused": 3, "empty": 1}
    assert (dry.state, dry.result["counts"], dry.done) == ("done", counts, 6)
    assert (dry.result["encoding"], work.appended) == ("cp950", [])
    assert dry.result["membership"] == {"rows": 2, "merges": 0, "splits": 0}
    quota = dry.result["quota"]
    assert (quota["unit"], quota["limit"], quota["used"]) == ("contacts", None, quota["least_after"])
    assert quota["least_after"] == quota["most_after"]
    assert [one["field"] for one in dry.result["columns"]] == ["member_id", "name", "phone", "tags"]
    ran = await work.run(content)
    assert ran.result["counts"] == counts
    assert {one.contact.key for one in work.appended if one.contact} == {"crm:crm:00042", "crm:crm:007"}
    wang = await work.brand.json("/v1/customers/member:007")
    assert (wang["name"], wang["phone"], [one["tag"] for one in wang["tags"]]) == (
        "王小明",
        "+886922222222",
        ["新", "舊"],
    )
    before = len(work.appended)
    good = await work.run("會員編號,姓名\r\n007,王小明\r\n".encode())
    assert (good.result["counts"]["unchanged"], good.file) == (1, None)
    stored = "SELECT count(*) FROM onefold.job_files WHERE job_id = $1"
    assert await work.brand.connection.fetchval(stored, good.job_id) == 0, "where no row was refused there is no file"
    again = await work.run(content)
    assert again.result["counts"] == counts | {"created": 0, "updated": 0, "unchanged": 2}
    assert len(work.appended) == before


async def test_refused_rows_can_be_mended_and_sent_again(work: Imports) -> None:
    refused = await work.file(await work.run(FILE.encode()))
    rows = list(csv.DictReader(io.StringIO(refused.decode("utf-8-sig"), newline="")))
    assert [(one["姓名"], one["Import Error"]) for one in rows] == [
        ("無名", "no_member_id"),
        ("壞", "no_phone"),
        ("重複", "repeated"),
    ]
    mended = refused.decode().replace("8,壞,12", "8,好,886933333333").encode()
    counts = (await work.run(mended)).result["counts"]
    assert counts == {"created": 1, "updated": 1, "unchanged": 0, "refused": 1, "empty": 0}


@pytest.mark.parametrize(("rows", "file_format"), [("customers", "csv"), ("contacts", "xlsx")])
async def test_an_export_that_is_imported_again_changes_nothing(work: Imports, rows: str, file_format: str) -> None:
    order: dict[str, Any] = {
        "filter": {"contacts": {"gte": 1}},
        "rows": rows,
        "format": file_format,
        "attributes": "all",
    }
    order["columns"] = ["line_uid", "member_id", "name", "phone", "email", "tags", "staff", "branch", "subscription"]
    headers = {"Authorization": f"Bearer {work.brand.keys['demo']}"}
    started = await work.brand.client.post("/v1/exports", json=order | {"header": "zh-Hant"}, headers=headers)
    job = await find_job(work.brand.engine, started.json()["job"]["id"])
    exported = await work.file(await work.finish(job))
    of_contacts = {"kind": "contacts", "channel": "line", "account": "oa1"}
    found = await work.run(exported, **(of_contacts if rows == "contacts" else {}))
    assert found.problem is None
    assert found.result["counts"] == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0, "empty": 0}
    assert work.appended == []


@pytest.mark.parametrize("saved", [2, 3])  # that the first batch is about to be sent; that it was
async def test_an_import_that_was_interrupted_goes_on_with_the_row_where_it_stood(
    work: Imports, monkeypatch: pytest.MonkeyPatch, saved: int
) -> None:
    monkeypatch.setattr(imports, "_BATCH", 2)
    job = await work.ask(FILE.encode())
    gone = await job_leases.take_job(work.brand.engine, [IMPORT], 0, 9)
    assert gone is not None
    steps = work.kind.steps(gone)
    for number in range(3):  # the header of the refused rows, and the first batch
        step = await anext(steps)
        if number < saved:
            await job_leases.save_step(work.brand.engine, gone, 0, step.progress)
    await steps.aclose()
    appended = len(work.appended)
    done = await work.finish(job)
    assert done.result["counts"] == {"created": 1, "updated": 1, "unchanged": 0, "refused": 3, "empty": 1}
    assert (done.done, len(work.appended)) == (6, appended)


async def test_a_file_that_is_no_import_fails_with_the_reason(work: Imports) -> None:
    failed = await work.run(b"Name\nA\n")
    assert (failed.state, failed.problem["reason"]) == ("failed", "wrong_columns")
