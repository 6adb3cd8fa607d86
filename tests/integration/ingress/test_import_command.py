"""`onefold import`: a file is sent, its dry run is shown, and after a question its rows are imported."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from services.cli import app
from services.control.keys import add_key
from services.query import import_commands
from tests.support.import_jobs import run_next_import
from tests.support.ingress import RunningIngress
from tests.support.serving import served
from tests.support.shop import Shop, open_shop

FILE = "Code,Name,手機\n007,Amy,0911223344\n008,林小美,\n,Nobody,\n009,Bob,12\n"
MAPPED = ("--mapping", "Code=member_id")


class Counter:
    """The commands of a shop, whose services are at one address."""

    def __init__(self, shop: Shop, address: str, key: str) -> None:
        self.url = shop.ingress.settings.database_url
        self.env = {"ONEFOLD_URL": f"http://{address}", "ONEFOLD_KEY": key}

    async def run(self, *args: str, jobs: int, stdin: str | None = None, key: str | None = None) -> Result:
        """The command, beside so many jobs that it waits for."""
        env = self.env | ({"ONEFOLD_KEY": key} if key else {})
        ran = asyncio.to_thread(CliRunner(env=env).invoke, app, ["import", *args], input=stdin)
        async with asyncio.timeout(240), asyncio.TaskGroup() as together:
            command = together.create_task(ran)
            together.create_task(self._work(jobs))
        return command.result()

    async def _work(self, jobs: int) -> None:
        while jobs:
            jobs -= await run_next_import(self.url)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def commands(ingress: RunningIngress) -> AsyncIterator[tuple[Counter, Shop]]:
    async with open_shop(ingress) as shop:

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            asked = shop.read_api if scope["path"].startswith("/v1/jobs/") else ingress.app
            await asked(scope, receive, send)

        key = await add_key(ingress.engine, "acme", ["customers:read", "customers:write", "customers:export"])
        with capture_logs():  # the command's output is all that is on stdout
            async with served(both) as address:
                yield Counter(shop, address, key), shop


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands look often whether a job has ended."""
    monkeypatch.setattr(import_commands, "_LOOK_EVERY", 0.05)


async def test_an_import_is_planned_asked_about_run_and_its_refused_rows_are_saved(
    ingress: RunningIngress, tmp_path: Path
) -> None:
    file = tmp_path / "members.csv"
    file.write_text(FILE, encoding="utf-8")
    async with commands(ingress) as (counter, shop):
        declined = await counter.run(str(file), *MAPPED, jobs=1, stdin="n\n")
        assert declined.exit_code == 1, declined.output
        lines = {" ".join(line.split()) for line in declined.stdout.splitlines()}
        assert lines >= {"Code member_id given", "手機 phone guessed", "created 2", "refused 2", "in all 4"}
        assert "The first 2 rows that can be read would cause 0 merges and 0 splits" in declined.stdout
        assert "no_member_id" in declined.stdout
        assert "Import 2 rows?" in declined.stderr
        ran = await counter.run(str(file), *MAPPED, "--yes", "--json", jobs=2)
        assert ran.exit_code == 3, ran.output
        run, checked = json.loads(ran.stdout)["runs"]
        assert (run["dry_run"], run["state"], checked["dry_run"]) == (False, "done", True)
        assert run["result"]["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "refused": 2, "empty": 0}
        refused = tmp_path / "members.csv.refused.csv"
        assert f"onefold import {refused} --kind customers --tags add --mapping Code=member_id" in ran.stderr
        refused.write_text(refused.read_text(encoding="utf-8").replace(",Nobody", "010,Nobody"), encoding="utf-8")
        mended = await counter.run(str(refused), *MAPPED, "--dry-run", jobs=1, key=shop.key)
        assert mended.exit_code == 3, mended.output
        assert "could not be saved" in mended.stderr
        assert "--scope customers:export" in mended.stderr
        assert "created 1" in {" ".join(line.split()) for line in mended.stdout.splitlines()}


async def test_a_file_that_can_not_be_imported_ends_the_command_with_the_reason(
    ingress: RunningIngress, tmp_path: Path
) -> None:
    file = tmp_path / "members.csv"
    file.write_text("Name\nAmy\n", encoding="utf-8")
    async with commands(ingress) as (counter, _):
        failed = await counter.run(str(file), "--yes", jobs=1)
        assert (failed.exit_code, failed.stdout) == (1, "")
        assert "no column has the member id" in failed.stderr
        refused = await counter.run(str(file), "--channel", "line", "--mapping", "Name=names", jobs=0)
        assert refused.exit_code == 1
        assert "Name is mapped to names, which is no field: fields are member_id, uid" in refused.stderr


@pytest.mark.parametrize("args", [["/no/such/file"], [__file__, "--mapping", "Name"], [__file__, "--kind", "people"]])
def test_a_wrong_call_is_refused_before_anything_is_sent(args: list[str]) -> None:
    assert CliRunner(env={"ONEFOLD_KEY": "k"}).invoke(app, ["import", *args]).exit_code == 2


def test_without_a_key_the_command_says_which_scopes_it_needs() -> None:
    refused = CliRunner(env={"ONEFOLD_KEY": ""}).invoke(app, ["import", __file__])
    assert refused.exit_code == 1
    assert "--scope customers:write --scope customers:read --scope customers:export" in refused.stderr
