"""Exports from the request to the file: the rows that a search finds, in one snapshot, each accounted for."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import asyncpg
import openpyxl
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from benchmarks.export.population import fill
from benchmarks.export.rate import export_all, seconds_to_copy
from projections.customers.search.asking import AskedAt
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.exports import queries
from projections.exports.cell_expressions import escaped, neutral_cell, phone_cell
from projections.exports.cells import joined, neutral, restored, split
from projections.exports.headings import ENGLISH
from projections.exports.order import OF_CONTACTS, ColumnName, ExportOrder
from projections.exports.queries import StatementShape
from projections.exports.requests import ExportRequest
from services.cli import app
from services.control import job_leases
from services.control.jobs import Job
from services.query.handlers import exports
from services.runtime.database import BY_KEY
from services.runtime.settings import Settings
from services.worker.background.job_runner import JobRunner
from services.worker.jobs.export import Export
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import NOW, Brand, id_of
from tests.support.searches import compose_all
from tests.support.serving import served

LINE, WEB, WHATSAPP, USER = "line:oa1:U1", "web:shop:c1", "whatsapp:n1:886911111111", "whatsapp:n1:TW.abc"
SITE = {"channel": "web", "account": "shop", "uid": "c1"}
COLUMNS = (
    "line_uid", "whatsapp_number", "whatsapp_bsuid", "member_id", "name", "phone", "tags", "staff", "customer_id",
)  # fmt: skip
EVERYBODY = {"contacts": {"gte": 1}}
LIVES = (
    event("contact.followed", 1, contact=LINE),
    event("profile.updated", 2, contact=LINE, display_name="=1+林小美"),
    event("tag.added", 3, contact=LINE, tag="vip;gold", source="manual"),
    event("tag.added", 4, contact=WEB, tag="cart", source="journey"),
    event("tag.added", 5, contact=LINE, tag="gone", source="journey", expires_after=1),
    event("attribute.set", 5, contact=WEB, key="points", value=12),
    event("attribute.set", 6, contact=LINE, key="size", value="-M"),
    event("identity.bound", 7, contact=LINE, linked_contact=SITE, via="site_button"),
    event("omo.bound", 8, contact=LINE, member="Amy", branch="S1"),
    event("message.received", 9, contact=WHATSAPP, text="hi", message_id="m1", kind="text"),
    event(
        "identity.bound",
        10,
        contact=WHATSAPP,
        identifiers=[
            {"type": "phone", "value": "+886911111111", "assurance": "verified"},
            {"type": "member_id", "value": "00042", "assurance": "verified"},
        ],
        via="channel",
    ),
    event("message.received", 11, contact=USER, text="hi", message_id="m2", kind="text"),
)


@pytest.fixture
async def lives(brand: Brand) -> Brand:
    await brand.fold(*LIVES)
    await compose_all(brand.connection)
    return brand


def runner_of(brand: Brand) -> JobRunner:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(brand.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    return JobRunner(brand.url, connect, [Export(connect)], file_days=7)


async def started(brand: Brand, **order: Any) -> Any:
    response = await post(brand, **order)
    assert response.status_code == 202, response.text
    return response.json()


async def post(brand: Brand, key: str = "demo", **order: Any) -> Any:
    headers = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.post("/v1/exports", json={"filter": EVERYBODY} | order, headers=headers)


async def run(brand: Brand) -> Job:
    job = await job_leases.take_job(brand.engine, ["export"], 3600, 9)
    assert job is not None
    await runner_of(brand).run_job(brand.engine, job)
    return job


async def exported(brand: Brand, **order: Any) -> bytes:
    """The file of an export, which has as many rows as were counted."""
    begun = await started(brand, **order)
    await run(brand)
    shown = await brand.json(f"/v1/jobs/{begun['job']['id']}")
    assert (shown["state"], shown["progress"]) == ("done", {"done": begun["rows"], "total": begun["rows"]})
    response = await brand.get(f"/v1/exports/{begun['job']['id']}/file")
    assert response.status_code == 200
    assert response.content == (await brand.get(shown["file"]["href"])).content
    return bytes(response.content)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_a_row_a_customer_has_all_of_its_contacts(lives: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "BATCH", 1)
    content = await exported(lives, columns=list(COLUMNS), attributes="all")
    rows = {one["customer_id"]: one for one in table(content)}
    assert rows.keys() == {str(id_of(LINE)), str(id_of(WHATSAPP)), str(id_of(USER))}
    mei, wang = rows[str(id_of(LINE))], rows[str(id_of(WHATSAPP))]
    assert (mei["line_uid"], mei["name"], mei["staff"]) == ("U1", "'=1+林小美", "Amy")
    assert split(restored(mei["tags"])) == ["cart", "vip;gold"]  # the other has run out by now
    assert (mei["points"], mei["size"]) == ("12", "'-M")
    assert (wang["whatsapp_number"], wang["phone"], wang["member_id"]) == ("886911111111", "+886911111111", "00042")
    assert rows[str(id_of(USER))]["whatsapp_bsuid"] == "TW.abc"
    assert list(rows) == sorted(rows)


async def test_a_row_a_contact_has_what_is_the_contacts_own(lives: Brand) -> None:
    columns = ["contact", "channel", "name", "member_id", "tags", "subscription", "over_quota", "last_customer_at"]
    await lives.fold_contacts(quota(0, 20))
    content = await exported(lives, rows="contacts", columns=columns, attributes=["points", "size"])
    rows = {one["contact"]: one for one in table(content)}
    assert rows.keys() == {LINE, WEB, WHATSAPP, USER}
    assert (rows[LINE]["subscription"], rows[LINE]["over_quota"]) == ("subscribed", "true")
    assert (rows[WEB]["subscription"], rows[WEB]["over_quota"]) == ("none", "false")
    assert (restored(rows[LINE]["tags"]), rows[WEB]["tags"]) == ("vip\\;gold", "cart")
    assert (rows[LINE]["size"], rows[LINE]["points"], rows[WEB]["points"]) == ("'-M", "", "12")
    assert (rows[WEB]["name"], rows[WHATSAPP]["member_id"]) == ("", "00042")
    only = await exported(lives, rows="contacts", columns=["contact"], channels=["whatsapp"])
    assert sorted(one["contact"] for one in table(only)) == [WHATSAPP, USER]


async def test_postgresql_neutralises_and_joins_every_text_as_it_is_read_back(brand: Brand) -> None:
    signs = "=+-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b'\t\r\n ;\\\u3000\u200b\ufeff\xa0\x01a林"
    texts = ["".join(one) for length in (1, 2, 3) for one in product(signs, repeat=length)]
    texts += [f"{chr(code)}=1" for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000]
    given = (
        sa.func.unnest(array("texts", sa.Text())).table_valued(sa.column("text", sa.Text())).render_derived(name="t")
    )
    one = given.c.text
    statement = compiled(sa.select(neutral_cell(one), escaped(one)).select_from(given), "texts")
    shown = await brand.connection.fetch(statement, texts)
    assert [row[0] for row in shown] == list(map(neutral, texts))
    assert [row[1] for row in shown] == [joined([text]) for text in texts]


async def test_every_column_says_what_is_true_of_the_contacts(lives: Brand) -> None:
    columns = ["customer_id", *(name for name in ENGLISH if name != "customer_id")]
    rows = {one["contact"]: one for one in table(await exported(lives, rows="contacts", columns=columns))}
    line = rows[LINE]
    assert (line["channel"], line["account"], line["channels"]) == ("line", "oa1", "line")
    assert (line["staff"], line["branch"], line["valid"], line["opted_out"]) == ("Amy", "S1", "true", "")
    assert (line["subscription"], line["subscribed_at"]) == ("subscribed", line["first_seen_at"])
    assert line["last_team_at"] == line["last_marketing_at"] == ""
    of_customers = [name for name in columns if name not in OF_CONTACTS]
    content = await exported(lives, columns=of_customers, zone="Asia/Taipei")
    mei = next(one for one in table(content) if one["customer_id"] == str(id_of(LINE)))
    assert (mei["channels"], mei["subscription"], mei["valid"]) == ("line;web", "subscribed", "true")
    moment = datetime.fromisoformat(line["subscribed_at"]).astimezone(ZoneInfo("Asia/Taipei"))
    assert mei["subscribed_at"] == f"{moment:%Y-%m-%d %H:%M:%S}"


async def test_phones_stay_and_what_only_looks_like_one_is_marked(brand: Brand) -> None:
    texts = ["+886911111111", "+1+cmd|' /C calc'!A0", "+12", "+" + "1" * 21, "=1", "0911", "+88\n"]
    given = (
        sa.func.unnest(array("texts", sa.Text())).table_valued(sa.column("text", sa.Text())).render_derived(name="t")
    )
    statement = compiled(sa.select(phone_cell(given.c.text)).select_from(given), "texts")
    shown = [row[0] for row in await brand.connection.fetch(statement, texts)]
    assert shown == [texts[0], *(f"'{one}" for one in texts[1:5]), "0911", "'+88\n"]


async def test_an_export_can_be_left_in_the_middle(lives: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PIECE", 1)
    order = ExportOrder.model_validate({"filter": EVERYBODY, "columns": ["customer_id"]})
    statement = ExportRequest(order, order.filter, [], 0).statement("demo", AskedAt(0))
    async with lives.connection.transaction():
        pieces = statement.csv(lives.connection)
        await anext(pieces)
        await pieces.aclose()
    assert await lives.connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("over_quota", [[], ["over_quota"]])
async def test_cells_are_the_same_however_contacts_are_read(lives: Brand, over_quota: list[str]) -> None:
    names = [one for one in get_args(ColumnName) if one not in {*OF_CONTACTS, "over_quota"}]
    order = ExportOrder.model_validate({"filter": EVERYBODY, "columns": names + over_quota})
    statement = ExportRequest(order, order.filter, ["size"], NOW).statement("demo", AskedAt(NOW))
    found, asked = [], await statement._shape(lives.connection)
    assert asked == StatementShape(finds_many=True, absent=frozenset({"crm", "facebook", "instagram"}))
    for shape in (asked, StatementShape(finds_many=False)):
        text, values = statement._cells(shape, as_json=False)
        found.append([tuple(row) for row in await lives.connection.fetch(text, *values)])
    assert found[0] == found[1]
    assert len(found[0]) == 3


async def test_the_file_has_the_customers_that_the_filter_finds(lives: Brand) -> None:
    content = await exported(lives, filter={"tag": "cart"}, columns=["customer_id"], header="zh-Hant", bom=True)
    assert content == f"\ufeff顧客 ID\n{id_of(LINE)}\n".encode()
    assert await exported(lives, filter={"tag": "none has it"}, columns=["name"], header="en") == b"Name\n"


async def test_a_workbook_has_the_same_cells(lives: Brand) -> None:
    order = {"columns": ["name", "member_id"], "attributes": ["points"]}
    book = openpyxl.load_workbook(io.BytesIO(await exported(lives, format="xlsx", **order)))
    rows = [["" if cell is None else str(cell) for cell in row] for row in book.active.values]
    assert rows == list(csv.reader(io.StringIO((await exported(lives, **order)).decode(), newline="")))


async def test_an_export_that_was_interrupted_begins_anew(lives: Brand) -> None:
    await started(lives, columns=["customer_id"])
    gone = await job_leases.take_job(lives.engine, ["export"], 0, 9)
    assert gone is not None
    steps = Export(runner_of(lives)._connect).steps(gone)
    first = await anext(steps)
    await job_leases.save_step(lives.engine, gone, 0, first.progress)
    await steps.aclose()
    again = await run(lives)
    shown = await lives.json(f"/v1/jobs/{again.job_id}")
    assert (shown["state"], shown["attempt"], shown["progress"]["done"]) == ("done", 2, 3)
    assert len(table((await lives.get(shown["file"]["href"])).content)) == 3


async def test_a_worker_takes_an_export_by_itself_if_its_generation_is_the_active_one(lives: Brand) -> None:
    path = f"/v1/jobs/{(await started(lives, columns=['customer_id']))['job']['id']}"
    serving = asyncio.create_task(runner_of(lives).run())
    try:
        async with asyncio.timeout(240):
            while (shown := await lives.json(path))["state"] != "done":
                await asyncio.sleep(0.05)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert (shown["attempt"], shown["progress"]) == (1, {"done": 3, "total": 3})


async def test_what_cannot_be_exported_is_refused_by_name(lives: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    for order, problem in (
        ({"filter": {"segment": "nowhere"}}, "/problems/unsearchable"),
        ({"columns": ["contact"]}, "/problems/invalid-request"),
        ({"zone": "Formosa"}, "/problems/invalid-request"),
    ):
        response = await post(lives, **order)
        assert (response.status_code, response.json()["type"]) == (422, problem)
    assert (await post(lives, "writer")).status_code == 403
    monkeypatch.setattr(exports, "EXCEL_ROWS", 3)
    response = await post(lives, format="xlsx")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/no-room-in-excel")
    assert (await lives.json("/v1/jobs"))["jobs"] == []


async def test_a_preview_counts_the_rows_and_makes_nothing(lives: Brand) -> None:
    headers = {"Authorization": f"Bearer {lives.keys['demo']}"}
    counted = []
    for order in ({}, {"rows": "contacts"}, {"rows": "contacts", "channels": ["line"]}, {"filter": {"tag": "none"}}):
        body = {"filter": EVERYBODY} | order
        counted.append((await lives.client.post("/v1/exports/preview", json=body, headers=headers)).json()["rows"])
    assert counted == [3, 4, 1, 0]
    assert (await lives.json("/v1/jobs"))["jobs"] == []


async def test_the_command_counts_asks_waits_and_saves_the_file(lives: Brand, tmp_path: Path) -> None:
    async def command(*args: str, jobs: int = 0, answer: str | None = None) -> Result:
        env = {"ONEFOLD_URL": f"http://{address}", "ONEFOLD_KEY": lives.keys["demo"]}
        ran = asyncio.to_thread(CliRunner(env=env).invoke, app, ["export", *args], input=answer)
        async with asyncio.timeout(240), asyncio.TaskGroup() as together:
            command = together.create_task(ran)
            while jobs:
                job = await job_leases.take_job(lives.engine, ["export"], 3600, 9)
                if job is not None:
                    await runner_of(lives).run_job(lives.engine, job)
                    jobs -= 1
                await asyncio.sleep(0.05)
        return command.result()

    target = tmp_path / "vip.csv"
    with capture_logs():
        async with served(lives.app) as address:
            assert (await command(str(target), "--everybody", "--count")).stdout == "3 rows\n"
            declined = await command(str(target), "--everybody", answer="n\n")
            assert (declined.exit_code, target.exists()) == (1, False)
            assert "Export 3 rows?" in declined.stderr
            asked = ("--filter", '{"tag": "cart"}', "--column", "customer_id", "--bom", "--yes")
            done = await command(str(target), *asked, jobs=1)
            assert done.exit_code == 0, done.output
            assert target.read_text(encoding="utf-8-sig") == f"customer_id\n{id_of(LINE)}\n"
            assert (await command(str(target), "--everybody", "--yes")).exit_code == 2
            (newest, *_) = (await lives.json("/v1/jobs"))["jobs"]
            again = await command(str(tmp_path / "again.csv"), "--job", newest["id"])
            assert again.exit_code == 0, again.output
    assert (tmp_path / "again.csv").read_bytes() == target.read_bytes()


async def test_no_other_tenant_is_in_it_or_sees_it(lives: Brand) -> None:
    begun = await started(lives, key="other", columns=["name"])
    assert begun["rows"] == 0
    await run(lives)
    path = f"/v1/exports/{begun['job']['id']}/file"
    assert (await lives.get(path)).status_code == 404
    assert (await lives.get(path, "other")).content == b"name\n"


async def test_the_benchmark_of_exports_measures_the_rows_that_it_made(brand: Brand, settings: Settings) -> None:
    await brand.connection.execute("SET search_path TO g1")
    await fill(brand.connection, 50)
    assert await seconds_to_copy(brand.connection) > 0
    assert (await export_all(settings, "g1", 50)).seconds > 0
