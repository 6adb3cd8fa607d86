"""Imports over HTTP: a file is kept, its dry run is shown, and it runs only after that, for its own tenant."""

from services.control.keys import add_key
from services.control.tenants import add_tenant
from services.runtime.database import open_engine
from tests.support.import_jobs import run_next_import
from tests.support.ingress import RunningIngress, assert_problem
from tests.support.shop import open_shop

CSV = {"Content-Type": "text/csv"}
PATH = "/v1/imports?kind=customers&name=members.csv"


async def test_a_file_is_planned_at_once_and_run_only_after_that(ingress: RunningIngress) -> None:
    url = ingress.settings.database_url
    async with open_shop(ingress) as shop:
        begun = await shop.accepted("POST", PATH, b"Member ID,Name\n007,Amy\n,Bob\n", **CSV)
        assert (begun["name"], begun["bytes"], [one["state"] for one in begun["runs"]]) == (
            "members.csv",
            28,
            ["waiting"],
        )
        path = f"/v1/imports/{begun['id']}"
        early = await shop.send("POST", f"{path}/run")
        assert_problem(early, 409, "import-not-checked")
        assert await run_next_import(url)
        (checked,) = (await shop.send("GET", path)).json()["runs"]
        counts = {"created": 1, "updated": 0, "unchanged": 0, "refused": 1, "empty": 0}
        assert (checked["dry_run"], checked["state"], checked["result"]["counts"]) == (True, "done", counts)
        assert checked["refused_rows"] == f"/v1/jobs/{checked['job']}/file"
        await shop.accepted("POST", f"{path}/run")
        assert await run_next_import(url)
        ran, _ = (await shop.send("GET", path)).json()["runs"]
        assert (ran["dry_run"], ran["state"], ran["result"]["differs"], ran["total"]) == (False, "done", {}, 2)
        async with open_engine(url) as engine:
            await add_tenant(engine, "stranger")
            shop.key = await add_key(engine, "stranger", ["customers:read", "customers:write"])
        for method, other in (("GET", path), ("POST", f"{path}/run")):
            assert_problem(await shop.send(method, other), 404, "not-found")


async def test_what_can_not_be_asked_for_is_refused_before_the_file_is_read(ingress: RunningIngress) -> None:
    async with open_shop(ingress) as shop:
        for query, field in (
            ("kind=contacts", "channel"),
            ("kind=customers&channel=line", "channel"),
            ("kind=customers&mapping=[", "mapping"),
            ("kind=customers&mapping=%7B%22a%22%3A%22b%22%7D", "mapping"),
            ("kind=customers&mapping=%7B%22a%5Cu0000%22%3A%22ignore%22%7D", "mapping"),
            ("kind=customers&account=a%00b", "account"),
        ):
            answer = await shop.send("POST", f"/v1/imports?{query}", b"Member ID\n1\n", **CSV)
            assert_problem(answer, 422, "invalid-request")
            assert answer.json()["field"] == field
        unstorable = await shop.send("POST", f"{PATH}&name=a%00b", b"Member ID\n1\n", **CSV)
        assert assert_problem(unstorable, 422, "invalid-request")["errors"][0]["field"] == "query.name"
        empty = await shop.send("POST", PATH, b"", **CSV)
        assert_problem(empty, 400, "malformed-body")
        most = ingress.settings.import_body_limit
        large = await shop.send("POST", PATH, b"", **CSV, **{"Content-Length": str(most + 1)})
        assert assert_problem(large, 413, "too-large")["limit"] == most
