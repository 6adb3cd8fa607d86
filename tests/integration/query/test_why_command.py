"""`onefold why`: the same answer as over HTTP, for people."""

import asyncio
import json
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from services.cli import app
from services.query.core.identity_models import Explanation
from services.query.why_command import show
from tests.support.identity_events import T0, claimed, seen
from tests.support.read_api import MASTER, Brand
from tests.support.worked_example import ANOTHER_LOGS_IN, C1, LINE, ONE_CUSTOMER, WHATSAPP


async def run_why(brand: Brand, *args: str) -> Result:
    env = {"ONEFOLD_DATABASE": brand.url, "ONEFOLD_SECRET_KEY": MASTER, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner(env=env).invoke, app, ["why", *args])


async def test_the_links_between_two_contacts_are_printed(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    result = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo")
    assert result.exit_code == 0, result.output
    assert "are one customer" in result.stdout
    assert f"contact {C1}" in result.stdout
    assert ONE_CUSTOMER[1].event_id in result.stdout
    as_json = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo", "--json")
    assert json.loads(as_json.stdout) == await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP)


async def test_ids_are_whole_on_a_narrow_terminal(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    answered = Explanation.model_validate(await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP))
    printed = StringIO()
    show(Console(file=printed, force_terminal=True, width=20, color_system=None), answered)
    for whole in (LINE, WHATSAPP, C1, ONE_CUSTOMER[1].event_id):
        assert whole in printed.getvalue()


async def test_what_keeps_two_contacts_apart_is_printed(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    result = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo")
    assert "are two customers" in result.stdout
    assert "refused: people whom an exclusive type tells apart" in result.stdout
    assert 'POST /v1/members/M8/merge {"into":"M7"}' in result.stdout


async def test_a_value_that_is_no_evidence_is_printed(brand: Brand) -> None:
    await brand.fold(claimed(C1, phone="+551"), seen(LINE))
    result = await run_why(brand, LINE, C1, "--tenant", "demo")
    assert "the phone +551 is no valid number" in result.stdout
    assert "Nothing was ever said" not in result.stdout


async def test_control_characters_of_a_uid_are_not_printed(brand: Brand) -> None:
    evil = "web:shop:\x1b[2J\u202e[red]"
    await brand.fold(claimed(evil, member_id="\x1b]0;x\x07M1"), seen(LINE))
    result = await run_why(brand, evil, LINE, "--tenant", "demo")
    assert "\x1b[2J" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "[red] and line:oa1:U1 are two customers" in result.stdout
    assert "Nothing was ever said" in result.stdout


async def test_the_links_of_a_time_in_the_past_are_printed(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    then = ("--as-of", str(T0 + 4), "--known-at", str(T0 + 4))
    result = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo", *then)
    assert "are one customer" in result.stdout, result.output
    as_json = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo", *then, "--json")
    over_http = await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP, as_of=T0 + 4, known_at=T0 + 4)
    assert json.loads(as_json.stdout) == over_http
    for time in ("yesterday", "2026-03-01", "1772294400"):
        refused = await run_why(brand, LINE, WHATSAPP, "--tenant", "demo", "--as-of", time)
        assert (refused.exit_code, "offset from UTC" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((LINE, "line:oa1:U9", "--tenant", "demo"), "no such contact"),
        ((LINE, "nobody", "--tenant", "demo"), "no such contact"),
        ((LINE, LINE), "--tenant"),
        ((LINE, LINE, "--tenant", "fax"), "no such tenant"),
    ],
)
async def test_a_question_that_cannot_be_answered_fails_with_the_reason(
    brand: Brand, args: tuple[str, ...], message: str
) -> None:
    await brand.fold(*ONE_CUSTOMER)
    result = await run_why(brand, *args)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not result.stdout
